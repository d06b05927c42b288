#include "support/catch.hpp"

#include <communica/serializers/codec/float_text.hpp>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace float_text_tests {

namespace {

using namespace communica::codec;

std::string write(double value) {
    char text[longest_float];
    return {text, write_float(text, value)};
}

/// The fewest digits by the standard library, which writes no point behind a whole number.
std::string by_to_chars(double value) {
    char text[64];
    std::string digits(text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr);
    return digits.find('.') == digits.npos ? digits + ".0" : digits;
}

}  // namespace

TEST_CASE("floats with few digits, and those beside them, are written with the fewest that are theirs") {
    std::mt19937_64 random(11);
    for (int round = 0; round != 200'000; ++round) {
        const auto digits = static_cast<double>(random() >> (14 + random() % 50));
        double value = digits / std::pow(10, random() % 10);
        value = random() % 2 == 0 ? value : -value;
        for (const double nearby : {value, std::nextafter(value, 0), std::nextafter(value, 1e300)}) {
            const double size = std::fabs(nearby);
            if (size != 0 && size >= 1e-4 && size < 1e15 && write(nearby) != by_to_chars(nearby)) {
                FAIL(write(nearby) << " instead of " << by_to_chars(nearby));
            }
        }
    }
}

TEST_CASE("a float of any size fits where the longest one does") {
    for (const double value : {-1.2345678901234567e-308, -1.7976931348623157e+308, -0.00012345678901234567,
                               -1234567890123456.7, -999999999.999999, -0.0}) {
        const std::string text = write(value);
        CHECK(text.size() <= longest_float);
        CHECK(std::strtod(text.c_str(), nullptr) == value);
        CHECK(std::signbit(std::strtod(text.c_str(), nullptr)));
    }
}

TEST_CASE("digits and a point are read as the nearest double, or left to the general way") {
    std::mt19937_64 random(5);
    int read = 0;
    for (int round = 0; round != 200'000; ++round) {
        const std::uint64_t digits = random() >> random() % 64;
        const auto places = static_cast<std::ptrdiff_t>(random() % 30);
        if (const auto value = short_float(digits, places)) {
            ++read;
            const std::string text = std::to_string(digits) + "e-" + std::to_string(places);
            if (*value != std::strtod(text.c_str(), nullptr)) {
                FAIL(text);
            }
        }
    }
    CHECK(read > 50'000);
    CHECK(short_float(9007199254740993, 0) == std::nullopt);  // 2^53 + 1 is no double
    CHECK(short_float(1, 23) == std::nullopt);                // nor is 10^23
}

TEST_CASE("a float beyond the largest is nothing, and one below the smallest is zero with its sign") {
    CHECK(read_double("1e309") == std::nullopt);
    CHECK(read_double("-1e309") == std::nullopt);
    CHECK(read_double("1e-400") == 0.0);
    CHECK(std::signbit(read_double("-1e-400").value()));
    CHECK(read_double("0.1e1") == 1.0);
}

}  // namespace float_text_tests
