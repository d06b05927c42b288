#include "support/catch.hpp"
#include "support/sanitized.hpp"

#include <communica/serializers/codec/utf8.hpp>

#include <nlohmann/json.hpp>

namespace utf8_tests {

namespace {

using communica::codec::is_utf8;
using communica::codec::json_run;

std::size_t run_of(std::string_view text) {
    return static_cast<std::size_t>(json_run(text.data(), text.data() + text.size()) - text.data());
}

bool is_plain_byte(int byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

/// nlohmann/json refuses to write what is not UTF-8.
bool nlohmann_takes(const std::string& text) {
    try {
        return !nlohmann::json(text).dump().empty();
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

}  // namespace

TEST_CASE("a run ends at the first byte that is not plain, wherever it is in a text of any length") {
    for (std::size_t size = 1; size != 70; ++size) {
        for (std::size_t place = 0; place != size; ++place) {
            for (int byte = 0; byte != 256; ++byte) {
                std::string text(size, 'a');
                text[place] = static_cast<char>(byte);
                if (run_of(text) != (is_plain_byte(byte) ? size : place)) {
                    FAIL(size << " " << place << " " << byte);
                }
            }
        }
    }
}

TEST_CASE("a text is as long as its run, whatever stands in its first word") {
    for (std::size_t size = 0; size != 20; ++size) {
        for (const std::string_view stop : {"\"", "\\", "\n", "\xff", "\xc3\xa9\""}) {
            const std::string text = std::string(size, 'x') + std::string(stop) + "\" and more behind it";
            const char* const end = communica::codec::json_text(text.data(), text.data() + text.size());
            CHECK(static_cast<std::size_t>(end - text.data()) == run_of(text));
        }
    }
}

TEST_CASE("UTF-8 belongs to the run, wherever it is") {
    for (const std::string sequence :
         {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        for (std::size_t before = 0; before != 40; ++before) {
            const std::string text = std::string(before, 'x') + sequence + std::string(40 - before, 'y');
            REQUIRE(run_of(text) == text.size());
            REQUIRE(is_utf8(text));
            for (std::size_t cut = 1; cut != sequence.size(); ++cut) {
                REQUIRE(run_of(text.substr(0, before + cut)) == before);
                REQUIRE_FALSE(is_utf8(text.substr(0, before + cut)));
            }
        }
    }
}

TEST_CASE("every text of two bytes, and of three and four at the borders, is told UTF-8 or not as nlohmann does") {
    for (int first = 0x80; first != 256; ++first) {
        for (int second = first % test::shown_every; second < 256; second += test::shown_every) {
            std::string text{static_cast<char>(first), static_cast<char>(second)};
            REQUIRE(is_utf8(text) == nlohmann_takes(text));
            for (const char third : {'\x7f', '\x80', '\xbf', '\xc0'}) {
                std::string three = text + third;
                REQUIRE(is_utf8(three) == nlohmann_takes(three));
                REQUIRE((run_of(three) == 3) == (nlohmann_takes(three) && is_plain_byte(second | 0x80 ? 'a' : 0) &&
                                                 (second >= 0x80 || is_plain_byte(second))));
                for (const char fourth : {'\x7f', '\x80', '\xbf', '\xc0'}) {
                    REQUIRE(is_utf8(three + fourth) == nlohmann_takes(three + fourth));
                }
            }
        }
    }
}

TEST_CASE("every code point that is none of a surrogate is written as UTF-8") {
    for (std::uint32_t code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 7) {
        if (code >= 0xD800 && code < 0xE000) {
            continue;
        }
        std::string text;
        communica::codec::append_utf8(text, code);
        if (!is_utf8(text)) {
            FAIL(code);
        }
    }
}

}  // namespace utf8_tests
