#include "support/catch.hpp"

#include <communica/serializers/codec/base64.hpp>

namespace base64_tests {

namespace {

using namespace communica::codec;

std::string write(std::string_view bytes) {
    std::string text(base64_size(bytes.size()), '\0');
    CHECK(write_base64(text.data(), communica::as_bytes(bytes)) == text.data() + text.size());
    return text;
}
std::optional<std::string> read(std::string_view text) {
    const auto size = base64_bytes(text);
    if (!size) {
        return std::nullopt;
    }
    std::string bytes(*size, '\0');
    if (!read_base64(text, reinterpret_cast<std::byte*>(bytes.data()))) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace

TEST_CASE("the vectors of RFC 4648, section 10") {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(write(bytes) == text);
        CHECK(read(text) == bytes);
    }
}

TEST_CASE("bytes of every value and length come back") {
    std::string bytes;
    for (int byte = 0; byte != 256; ++byte) {
        bytes += static_cast<char>(byte * 7);
        REQUIRE(read(write(bytes)) == bytes);
    }
}

TEST_CASE("what is not base64 is refused, and so is a second text for the same bytes") {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "====", "Z===", "=Zg=", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm-v",
                             "Zm_v", "Zm9v\n", " Zm9v", "Zm9\xff"}) {
        INFO(text);
        CHECK(read(text) == std::nullopt);
    }
}

}  // namespace base64_tests
