#include "support/catch.hpp"
#include "support/recording_connection.hpp"

#include <communica/entities/undelivered.hpp>

#include <chrono>
#include <map>
#include <memory>

namespace undelivered {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

}  // namespace

TEST_CASE("waiting for what has arrived occupies no core") {
    asio::io_context context;
    const auto connection = std::make_shared<test::RecordingConnection>(context);
    int asked = 0;
    const auto end = Clock::now() + 200ms;
    connection->undelivered = [&] {
        ++asked;
        return Clock::now() < end;
    };
    int changes = 0;
    const std::map<int, std::shared_ptr<communica::Connection>> connections{{1, connection}};
    const auto count = communica::entities::count_undelivered(connections, [&changes] { ++changes; });
    CHECK(*count == 1);
    context.run();
    CHECK(*count == 0);
    CHECK(changes == 1);
    CHECK(Clock::now() >= end);
    CHECK(asked > 2);
    CHECK(asked <= 64 + 202);
}

}  // namespace undelivered
