// What children hold of their parent's connections, on Windows.
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/scripted_peer.hpp"

namespace inheritance {

using test::message_frame;
using test::Process;
using test::ScriptedPeer;

TEST_CASE("a child that inherits all it can does not hold open what its parent's server accepts after it has started") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::Routes routes;
    routes.add("echo", [](int number) { return number; });
    test::RouteServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer first = co_await ScriptedPeer::greet(server.connector_state(), "first");
        co_await first.send(message_frame(R"({"id": "1", "type": 1, "route": "echo"})", "1"));
        const auto answer = co_await first.read_message();
        CHECK(answer.type() == 11);  // and the server waits for the next client

        Process child("serving", {communica::TcpConnector("127.0.0.1", 0).dump_state()}, {.all_handles = true});
        child.expect("READY");
        ScriptedPeer next = co_await ScriptedPeer::greet(server.connector_state(), "next");
        co_await next.send(test::u32(0));  // no frame is that short: the server closes, and says no goodbye
        co_await next.expect_end();

        child.end_input();
        CHECK(child.wait() == test::in_order);
        first.cut();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace inheritance
