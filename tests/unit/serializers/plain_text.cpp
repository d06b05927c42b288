#include "support/catch.hpp"

#include <communica/serializers/plain_text.hpp>

#include <algorithm>
#include <string>

namespace {

using communica::is_plain_text;
using communica::plain_json_string;

bool is_plain_byte(unsigned char byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

}  // namespace

TEST_CASE("every byte at every place of texts of every length is told plain or not") {
    for (std::size_t size = 1; size != 20; ++size) {
        for (std::size_t place = 0; place != size; ++place) {
            for (int byte = 0; byte != 256; ++byte) {
                for (const char other : {'a', ' ', '\x7f', '!', '#', '[', ']'}) {
                    std::string text(size, other);
                    text[place] = static_cast<char>(byte);
                    if (is_plain_text(text) != is_plain_byte(static_cast<unsigned char>(byte))) {
                        FAIL("byte " << byte << " at " << place << " of " << size << " beside " << other);
                    }
                }
            }
        }
    }
    CHECK(is_plain_text(""));
}

TEST_CASE("the content of a plain JSON string is what stands between its quotes") {
    CHECK(plain_json_string(R"("")") == "");
    CHECK(plain_json_string(R"("plain text, long enough for words of eight")") ==
          "plain text, long enough for words of eight");
}

TEST_CASE("what is not a plain JSON string is left to the parser") {
    for (const char* text : {"", "\"", "plain", "\"open", "open\"", R"("a" )", R"( "a")", R"("a\n")", R"("a"b")",
                             R"("\")", "1", "null", "[\"a\"]", "\"\xc3\xa9\"", "\"\n\"", "\"a\"\"b\"", R"("\\")"}) {
        CHECK_FALSE(plain_json_string(text));
    }
}
