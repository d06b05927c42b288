#include "support/catch.hpp"

#include <communica/wire/big_endian.hpp>

#include <string_view>

namespace big_endian_tests {

namespace wire = communica::wire;

using namespace std::string_view_literals;

TEST_CASE("numbers are stored with their highest byte first, and loaded back") {
    char bytes[9] = "........";
    wire::store_u32(bytes, 0x01fe0380);
    CHECK(std::string_view(bytes, 8) == "\x01\xfe\x03\x80...."sv);
    CHECK(wire::load_u32(bytes) == 0x01fe0380);
    wire::store_u64(bytes, 0x01020304f0f1f2f3);
    CHECK(std::string_view(bytes, 8) == "\x01\x02\x03\x04\xf0\xf1\xf2\xf3"sv);
    CHECK(wire::load_u64(bytes) == 0x01020304f0f1f2f3);
    CHECK(wire::load_u32(bytes + 1) == 0x020304f0);
}

}  // namespace big_endian_tests
