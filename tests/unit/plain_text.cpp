// What of a text stands in a JSON string as it is, however it lies in its blocks.
#include "support/catch.hpp"

#include <communica/plain_text.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace plain_text_tests {

using communica::base::plain_end;
using communica::base::shortened;

namespace {

/// As the last bytes of a block of their own, so that a sanitizer sees what is read behind them.
std::size_t plain_bytes(const std::string& text) {
    const std::vector<char> bytes(text.begin(), text.end());
    const char* const begin = bytes.data();
    return static_cast<std::size_t>(plain_end(begin, begin + bytes.size()) - begin);
}

}  // namespace

TEST_CASE("a text is plain up to its first special byte, wherever that stands") {
    for (std::size_t size = 0; size != 70; ++size) {
        INFO(size);
        const std::string plain(size, '~');
        CHECK(plain_bytes(plain) == size);
        for (std::size_t first = 0; first != size; ++first) {
            std::string text = plain;
            text[first] = '"';
            for (std::size_t second = first; second != size; ++second) {
                text[second] = '\\';
                CHECK(plain_bytes(text) == first);
                text[second] = second == first ? '"' : '~';
            }
        }
    }
}

TEST_CASE("special are control characters, quote, backslash and what is no ASCII") {
    for (int code = 0; code != 256; ++code) {
        INFO(code);
        const auto byte = static_cast<char>(code);
        const bool is_plain = code >= 0x20 && code < 0x80 && byte != '"' && byte != '\\';
        CHECK(communica::base::is_plain(std::string(1, byte)) == is_plain);
        for (const std::size_t size : {1u, 9u, 17u, 33u}) {
            for (std::size_t at = 0; at != size; ++at) {
                std::string text(size, ' ');
                text[at] = byte;
                CHECK(plain_bytes(text) == (is_plain ? size : at));
            }
        }
    }
}

TEST_CASE("a text that is shortened does not end in the middle of a character") {
    CHECK(shortened("abc", 3) == "abc");
    CHECK(shortened("abc", 2) == "ab");
    CHECK(shortened("a\xc3\xa4", 2) == "a");
    CHECK(shortened("\xf0\x9f\x98\x80", 3).empty());
}

TEST_CASE("control characters of a text become visible, and nothing else changes") {
    using communica::base::without_controls;
    using namespace std::string_literals;
    CHECK(without_controls("") == "");
    CHECK(without_controls("name \\ \"\xC3\xA9\xE2\x82\xAC\xC2\xA0\" ~") ==
          "name \\ \"\xC3\xA9\xE2\x82\xAC\xC2\xA0\" ~");
    CHECK(without_controls("\x1B[2J\r\n\t\x7F\0"s) == "\\x1b[2J\\x0d\\x0a\\x09\\x7f\\x00");
    CHECK(without_controls("a\xC2\x9B"
                           "2J") == "a\\x9b2J");
    CHECK(without_controls("\xC2") == "\xC2");
}

}  // namespace plain_text_tests
