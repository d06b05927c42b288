#include "support/catch.hpp"

#include <communica/files/checksum.hpp>

#include <string>

namespace file_checksum_tests {

using communica::files::Crc64;

TEST_CASE("the checksum of a file is CRC-64/XZ, however its bytes are divided") {
    CHECK(Crc64().text() == "0000000000000000");
    const std::string digits = "123456789";  // the check value of the catalogue of CRC algorithms
    for (std::size_t cut = 0; cut <= digits.size(); ++cut) {
        CAPTURE(cut);
        Crc64 crc;
        crc.add(communica::as_bytes(digits.substr(0, cut)));
        crc.add(communica::as_bytes(digits.substr(cut)));
        CHECK(crc.text() == "995dc9bbdf1939fa");
    }
    // of xz --check=crc64, which writes it into each file
    Crc64 crc;
    crc.add(communica::as_bytes(std::string(100'000, 'a')));
    CHECK(crc.text() == "c124e8b4e130a784");
}

}  // namespace file_checksum_tests
