#include "support/catch.hpp"

#include <communica/limits.hpp>

TEST_CASE("the default limits are finite and those that the documentation names") {
    const communica::Limits limits;
    CHECK(limits.max_message == 64 * 1024 * 1024);
    CHECK(limits.max_metadata == 64 * 1024);
    CHECK(limits.max_frame == 4'294'967'290);  // the Python library's: 2^32 - 1 - 5
}
