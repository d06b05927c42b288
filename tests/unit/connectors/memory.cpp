#include "support/catch.hpp"
#include "support/recorded_messages.hpp"
#include "support/run.hpp"

#include <communica/connectors/memory.hpp>

TEST_CASE("a connection in memory that is aborted hands out nothing more of what has come") {
    asio::io_context context;
    const auto received = std::make_shared<test::RecordedMessages>();
    test::run(context, [&]() -> asio::awaitable<void> {
        const communica::MemoryConnector connector;
        const communica::ConnectionOptions options;
        const auto listener = co_await connector.listen(context.get_executor(), options);
        const auto client = co_await connector.connect(context.get_executor(), options);
        const auto server = co_await listener->accept();
        for (const char* text : {"first", "second"}) {
            communica::Buffer body;
            body.append(text);
            CHECK(client->send(communica::SendClass::request, "m", body));
        }
        received->on_each = [&] { server->abort(); };
        server->start(received);
        co_await test::until([&] { return received->ended; });
    });
    CHECK(received->bodies == std::vector<std::string>{"first"});
    CHECK(received->ending.code == communica::errc::closed);
}
