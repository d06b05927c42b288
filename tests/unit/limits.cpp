#include "support/catch.hpp"

#include <communica/limits.hpp>

namespace limits_tests {

using namespace std::chrono_literals;

TEST_CASE("the default limits are finite and those that the documentation names") {
    constexpr std::size_t mebibyte = 1024 * 1024;
    const communica::Limits limits;
    CHECK(limits.max_message == 64 * mebibyte);
    CHECK(limits.max_metadata == 64 * 1024);
    CHECK(limits.max_frame == 4'294'967'290);  // the Python library's: 2^32 - 1 - 5
    CHECK(limits.max_descriptors == 253);      // the most that Linux passes at once
    CHECK(limits.max_descriptors_in_all == 512);
    CHECK(limits.max_requests == 16 * 1024);
    CHECK(limits.max_inflight_bytes == 64 * mebibyte);
    CHECK(limits.max_inflight_bytes_in_all == 512 * mebibyte);
    CHECK(limits.max_refusals == mebibyte);
    CHECK(limits.max_unsent == 64 * mebibyte);
    CHECK(limits.write_timeout == 30s);
    CHECK(limits.liveness_timeout == 15s);
}

}  // namespace limits_tests
