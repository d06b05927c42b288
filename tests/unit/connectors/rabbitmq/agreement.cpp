#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/agreement.hpp>

namespace rabbitmq_agreement_tests {

namespace {

using communica::rabbitmq::Agreement;
using communica::rabbitmq::smallest_frame_max;

Agreement agree(std::uint16_t channel_max, std::uint32_t frame_max, std::uint16_t theirs, std::uint16_t ours) {
    return Agreement::with({channel_max, frame_max, theirs}, ours);
}

}  // namespace

TEST_CASE("frames are as large as the broker proposes, up to what is of use") {
    CHECK(agree(0, 0, 0, 0).frame_max == Agreement::largest_frame);
    CHECK(agree(0, 1'000'000, 0, 0).frame_max == Agreement::largest_frame);
    CHECK(agree(0, 131'072, 0, 0).frame_max == 131'072);
    CHECK(agree(0, 8192, 0, 0).frame_max == 8192);
    CHECK(agree(0, 100, 0, 0).frame_max == smallest_frame_max);
}

TEST_CASE("there are as many channels as the broker allows, up to a limit") {
    CHECK(agree(0, 0, 0, 0).channel_max == Agreement::most_channels);
    CHECK(agree(10, 0, 0, 0).channel_max == 10);
    CHECK(agree(65535, 0, 0, 0).channel_max == Agreement::most_channels);
}

TEST_CASE("the shorter time between heartbeats counts, and none where one side wants none") {
    CHECK(agree(0, 0, 60, 10).heartbeat == 10);
    CHECK(agree(0, 0, 5, 10).heartbeat == 5);
    CHECK(agree(0, 0, 0, 10).heartbeat == 0);
    CHECK(agree(0, 0, 60, 0).heartbeat == 0);
}

}  // namespace rabbitmq_agreement_tests
