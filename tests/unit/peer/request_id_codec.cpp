#include "support/catch.hpp"

#include <communica/peer/request_id_codec.hpp>

#include <string>

namespace request_text_tests {

namespace {

using communica::peer::RequestIdCodec;

std::string written(const RequestIdCodec& text, std::uint64_t number) {
    const auto id = text.write(number);
    return {id.data(), id.size()};
}

}  // namespace

TEST_CASE("an id is 32 hexadecimal digits in lower case") {
    const RequestIdCodec text;
    const std::string id = written(text, 0xfedcba9876543210);
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == id.npos);
    CHECK(id.substr(16) == "fedcba9876543210");
}

TEST_CASE("the number in an id is read back") {
    const RequestIdCodec text;
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x100000000}, UINT64_MAX}) {
        CHECK(text.read(written(text, number)) == number);
    }
}

TEST_CASE("ids of one object share their first half, those of two do not") {
    const RequestIdCodec text;
    const RequestIdCodec other;
    CHECK(written(text, 1).substr(0, 16) == written(text, 2).substr(0, 16));
    CHECK(written(text, 1).substr(0, 16) != written(other, 1).substr(0, 16));
    CHECK(other.read(written(text, 1)) == std::nullopt);
}

TEST_CASE("what this object did not write is no id of its own") {
    const RequestIdCodec text;
    const std::string id = written(text, 0xabc);
    CHECK(text.read("") == std::nullopt);
    CHECK(text.read(id.substr(1)) == std::nullopt);
    CHECK(text.read(id + "0") == std::nullopt);
    CHECK(text.read("00112233445566778899aabbccddeeff") == std::nullopt);
    for (std::size_t place = 16; place != 32; ++place) {
        for (int byte = 0; byte != 256; ++byte) {
            std::string changed = id;
            changed[place] = static_cast<char>(byte);
            const bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            CHECK(text.read(changed).has_value() == is_digit);
        }
    }
}

}  // namespace request_text_tests
