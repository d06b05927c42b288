// What the streams of a connection share, and their names.
#include "support/catch.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/streams/stream_table.hpp>

#include <memory>
#include <string>

namespace stream_end_tests {

namespace {

using communica::peer::StreamEnd;
using communica::peer::StreamTable;

struct Streams {
    std::shared_ptr<StreamEnd> begin(const std::shared_ptr<test::RecordingConnection>& connection,
                                     const std::string& id) const {
        auto end = std::make_shared<StreamEnd>(StreamEnd::Role::accepter, true);
        table->begin(end, connection, id);
        return end;
    }

    asio::io_context context;
    std::shared_ptr<StreamTable> table =
        std::make_shared<StreamTable>(context.get_executor(), communica::ConnectionOptions());
};

}  // namespace

TEST_CASE("the streams of a connection share its executor, and those of the next one have another") {
    Streams streams;
    const auto first = std::make_shared<test::RecordingConnection>(streams.context);
    const auto one = streams.begin(first, "one");
    const auto other = streams.begin(first, "other");
    CHECK(&one->executor() == &other->executor());
    CHECK(one->executor() == first->get_executor());

    asio::io_context elsewhere;
    const auto second = std::make_shared<test::RecordingConnection>(elsewhere);
    const auto third = streams.begin(second, "third");
    CHECK(third->executor() == second->get_executor());
    CHECK(one->executor() == first->get_executor());
    for (const auto& end : {one, other, third}) {
        end->fail({communica::errc::closed, "over"});
    }
}

TEST_CASE("an end has the id of its stream, and none before it begins") {
    CHECK(StreamEnd(StreamEnd::Role::opener, true).id().empty());
    Streams streams;
    const auto connection = std::make_shared<test::RecordingConnection>(streams.context);
    const std::string long_id(1000, 'x');
    const auto end = streams.begin(connection, long_id);
    CHECK(end->id() == long_id);
    end->cancel({communica::errc::closed, "over"});
    REQUIRE(connection->sent.size() == 1);
    CHECK(connection->sent.front().metadata == R"({"id": ")" + long_id + R"(", "type": 9})");
}

}  // namespace stream_end_tests
