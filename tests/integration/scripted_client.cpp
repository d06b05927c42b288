// What a server does, byte for byte, with clients that are scripts.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

namespace scripted_client {

using communica::errc;
using communica::Error;
using test::chunk_frame;
using test::close_frame;
using test::error_of;
using test::message_frame;
using test::Routes;
using test::RouteServer;
using test::ScriptedPeer;
using test::u32;
using namespace std::chrono_literals;

namespace {

std::string request(const std::string& id, const std::string& body, const std::string& route = "echo") {
    return message_frame(R"({"id": ")" + id + R"(", "type": 1, "route": ")" + route + "\"}", body);
}
std::string answer(const std::string& id, int type, const std::string& body, const std::string& route = "echo") {
    return message_frame(
        R"({"id": ")" + id + R"(", "type": )" + std::to_string(type) + R"(, "route": ")" + route + "\"}", body);
}

/// A server to which scripts talk; one of them, `steady`, sees that it goes on serving the others.
struct Served {
    explicit Served(test::Transport transport, communica::ServerOptions options = {})
        : meeting(transport), server(context, meeting.at_server(), routes(), options) {}

    Routes routes() {
        Routes table;
        table.add("echo", [](nlohmann::json value) { return value; });
        table.add("note", [this](int number) { notes.push_back(number); });
        table.add("late", [this](int number) -> asio::awaitable<int> {
            ++calls;
            co_await released.wait();
            co_return number;
        });
        return table;
    }

    /// `body` is a coroutine that takes the state of a connector to the server.
    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            ScriptedPeer steady = co_await ScriptedPeer::greet(server.connector_state(), "steady");
            co_await body(server.connector_state());
            co_await steady.send(request("1", "\"still here\""));
            co_await steady.expect(answer("1", 11, "\"still here\""));
            server.stop();
            co_await steady.expect(close_frame());
            co_await steady.expect_end();
            steady.cut();
            co_await server.close();
        });
        test::run_out(context);
    }

    asio::io_context context;
    test::Meeting meeting;
    test::Event released;
    std::vector<int> notes;
    int calls = 0;
    RouteServer server;
};

}  // namespace

TEST_CASE("a server answers a client that sends its hello and frames in one packet") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::connect(state);
        co_await peer.send(test::client_hello("ann") + request("1", "1") + request("2", "\"\u00e4\"") + close_frame());
        co_await peer.expect(test::server_hello);
        co_await peer.expect(answer("1", 11, "1") + answer("2", 11, "\"\u00e4\""));
        co_await peer.expect_end();
    });
}

TEST_CASE("a server answers a client that sends byte by byte") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::connect(state);
        co_await peer.send_bytewise(test::client_hello("ann"));
        co_await peer.expect(test::server_hello);
        co_await peer.send_bytewise(request("1", "[1, 2]") +
                                    chunk_frame(0, 2, R"({"id": "2", "type": 1, "route": "echo"})", "\"one ") +
                                    request("3", "3") + chunk_frame(1, 2, "", "two\""));
        co_await peer.expect(answer("1", 11, "[1,2]") + answer("3", 11, "3") + answer("2", 11, "\"one two\""));
        co_await peer.send_bytewise(close_frame());
        co_await peer.expect_end();
    });
}

TEST_CASE("a server echoes metadata as it came, but for the type") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        co_await peer.send(message_frame(R"({"route": "echo", "type": 1, "id": "x"})", "1"));
        co_await peer.expect(message_frame(R"({"route": "echo", "type": 11, "id": "x"})", "1"));
        co_await peer.send(message_frame(R"({"id":7,"type":1,"more":[1.50,{"a":null}],"route":"echo"})", "1"));
        co_await peer.expect(
            message_frame(R"({"id": 7, "type": 11, "more": [1.50, {"a": null}], "route": "echo"})", "1"));
        co_await peer.send(message_frame(R"({"type": 1.0, "route": "echo"})", "1"));
        co_await peer.expect(message_frame(R"({"type": 11, "route": "echo"})", "1"));
        co_await peer.send(message_frame(R"({"id": "x", "type": 1, "route": "\u0065cho"})", "1"));
        co_await peer.expect(message_frame(R"({"id": "x", "type": 11, "route": "echo"})", "1"));
    });
}

TEST_CASE("a server answers what fails with the bodies of the protocol") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        co_await peer.send(request("1", "not JSON", "nowhere"));
        co_await peer.expect(
            answer("1", 41, R"({"code": null, "message": "Route \"nowhere\" is not defined"})", "nowhere"));
        co_await peer.send(message_frame(R"({"id": "2", "type": 1})", "1"));
        const auto no_route = co_await peer.read_message();
        CHECK(no_route.metadata == R"({"id": "2", "type": 41})");
        co_await peer.send(request("3", "not JSON"));
        const auto not_loadable = co_await peer.read_message();
        CHECK(not_loadable.metadata == R"({"id": "3", "type": 42, "route": "echo"})");
        CHECK(nlohmann::json::parse(not_loadable.body).size() == 1);
        CHECK(nlohmann::json::parse(not_loadable.body).at("message").is_string());
        co_await peer.send(request("4", std::string(200, '[') + std::string(200, ']')));
        const auto too_deep = co_await peer.read_message();
        CHECK(too_deep.type() == 42);
        co_await peer.send(request("5", "1"));
        co_await peer.expect(answer("5", 11, "1"));
    });
}

TEST_CASE("a server answers neither notifications nor types that it does not know") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        co_await peer.send(message_frame(R"({"id": "", "type": 2, "route": "note"})", "1") +
                           message_frame(R"({"id": "", "type": 2, "route": "note"})", "not JSON") +
                           message_frame(R"({"id": "", "type": 2, "route": "nowhere"})", "1") +
                           message_frame(R"({"id": "x", "type": 3, "route": "note"})", "3") + request("1", "1"));
        co_await peer.expect(answer("1", 11, "1"));
        CHECK(served.notes == std::vector{1, 3});
    });
}

TEST_CASE("answers that nobody asked for are dropped") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        co_await peer.send(answer(std::string(32, '0'), 11, "1") + answer("", 30, "{}") + answer("1", 41, "") +
                           answer("1", 77, "odd") + message_frame(R"({"type": 11})", "") + request("1", "1"));
        co_await peer.expect(answer("1", 11, "1"));
    });
}

TEST_CASE("a client with a bad hello is refused, with the reason") {
    const auto transport = GENERATE(test::scripted_transports());
    const std::string hello =
        GENERATE("{}", "[]", "not JSON", "", "null", R"({"client_id": []})", R"({"client_id": {"a": 1}})",
                 R"({"client_id": ""})", R"({"id": "ann"})", "\xff");
    CAPTURE(transport, hello);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::connect(state);
        co_await peer.send(hello + '\0');
        const std::string refusal = co_await peer.read_to_end();
        REQUIRE_FALSE(refusal.empty());
        CHECK(refusal.front() == '\x04');
        const auto reason = nlohmann::json::parse(refusal.substr(1), nullptr, false);
        REQUIRE(reason.is_object());
        CHECK(reason.size() == 1);
        CHECK_FALSE(reason.at("reason").get<std::string>().empty());
        CHECK(served.server.client_ids() == std::vector<std::string>{"steady"});
    });
}

TEST_CASE("a client may have an id that is another scalar") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::connect(state);
        co_await peer.send(std::string(R"({"more": [1], "client_id":7})") + '\0' + request("1", "1"));
        co_await peer.expect(test::server_hello + answer("1", 11, "1"));
        CHECK(served.server.client("7").is_connected());
    });
}

TEST_CASE("a client that says no hello, or too long a one, is cut off") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.handshake_timeout = 1s;  // for all four to connect and to send
    Served served(transport, options);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer silent = co_await ScriptedPeer::connect(state);
        ScriptedPeer half = co_await ScriptedPeer::connect(state);
        ScriptedPeer gone = co_await ScriptedPeer::connect(state);
        ScriptedPeer talkative = co_await ScriptedPeer::connect(state);
        co_await half.send(R"({"client_id")");
        gone.cut();
        co_await talkative.send(R"({"client_id": ")" + std::string(70'000, 'x'));
        co_await talkative.read_to_end();
        co_await half.expect_end();
        co_await silent.expect_end();
    });
}

TEST_CASE("a bad frame ends its connection, and no other") {
    const auto transport = GENERATE(test::scripted_transports());
    const std::string bad =
        GENERATE(u32(0), u32(1) + '\x7f', u32(1) + '\x0a', u32(5) + '\x0a' + u32(3), u32(5) + '\x0a' + u32(5),
                 u32(5) + '\x0a' + u32(0xffffffff), u32(13) + '\x0b' + u32(0) + u32(1) + u32(1), u32(2) + '\x0b' + '\0',
                 u32(0xffffffff) + '\x0a' + u32(0x7fffffff), message_frame("", ""), message_frame("[]", ""),
                 message_frame("not JSON", ""), message_frame("{}", ""), message_frame(R"({"type": "1"})", ""),
                 message_frame(R"({"type": null})", ""), message_frame("{\"type\": 1, \"id\": \"\xff\"}", ""),
                 message_frame(R"({"type": 1, "x": )" + std::string(1000, '[') + std::string(1000, ']') + "}", ""),
                 message_frame(R"({"type": 1, "x": ")" + std::string(70'000, 'x') + "\"}", ""));
    CAPTURE(transport, test::readable(bad));
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        (void)co_await error_of(peer.send(request("1", "1") + bad + request("2", "2")));  // it may be gone by then
        const std::string rest = co_await peer.read_to_end();  // a reset may take the first answer with it
        CHECK((rest.empty() || rest == answer("1", 11, "1")));
        co_await test::until([&] { return served.server.client_ids() == std::vector<std::string>{"steady"}; });
    });
}

TEST_CASE("a request over the limit is answered as too large, and the connection lives on") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_message = 1000;
    Served served(transport, options);
    const std::string metadata = R"({"id": "1", "type": 1, "route": "echo"})";
    const std::string refusal =
        answer("1", 41,
               R"({"code": 413, "message": "The message is over the receiver's limit", "errc": "message_too_large"})");

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        const std::string most = "\"" + std::string(1000 - metadata.size() - 2, 'x') + "\"";
        co_await peer.send(request("1", most));
        co_await peer.expect(answer("1", 11, most));
        co_await peer.send(request("1", most + " "));
        co_await peer.expect(refusal);
        co_await peer.send(request("1", std::string(3'000'000, 'x')));
        co_await peer.expect(refusal);
        co_await peer.send(message_frame(R"({"id": "", "type": 2, "route": "note"})", std::string(5000, '1')));
        co_await peer.send(chunk_frame(0, 3, metadata, std::string(600, 'x')) +
                           chunk_frame(1, 3, "", std::string(600, 'x')));
        co_await peer.expect(refusal);  // before the last chunk has come
        co_await peer.send(chunk_frame(2, 3, "", "x") + request("2", "2"));
        co_await peer.expect(answer("2", 11, "2"));
        CHECK(served.notes.empty());
    });
}

TEST_CASE("the requests of a server have the canonical form, and their answers find them in any order") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        auto ann = served.server.client("ann");
        std::vector<int> answers;
        const auto keep = [&](std::exception_ptr, int number) { answers.push_back(number); };
        ann.request<int>("sum", 1, keep);
        ann.request<int>("a \"quoted\" route \u00e4\n", 2, keep);
        ann.notify("note", "x", asio::detached);
        const auto first = co_await peer.read_message();
        const auto second = co_await peer.read_message();
        CHECK(first.id().size() == 32);
        CHECK(first.id().find_first_not_of("0123456789abcdef") == std::string::npos);
        CHECK(first.metadata == R"({"id": ")" + first.id() + R"(", "type": 1, "route": "sum"})");
        CHECK(first.body == "1");
        CHECK(second.metadata ==
              R"({"id": ")" + second.id() + R"(", "type": 1, "route": "a \"quoted\" route )" + "\u00e4" + R"(\n"})");
        CHECK(second.id() != first.id());
        co_await peer.expect(message_frame(R"({"id": "", "type": 2, "route": "note"})", "\"x\""));
        co_await peer.send(second.answer(11, "22") + first.answer(11, "11") + first.answer(11, "33"));
        co_await test::until([&] { return answers.size() == 2; });
        CHECK(answers == std::vector{22, 11});
    });
}

TEST_CASE("a server that closes says so with five bytes, behind the answers that were ready") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    RouteServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer peer = co_await ScriptedPeer::greet(server.connector_state(), "ann");
        ScriptedPeer in_handshake = co_await ScriptedPeer::connect(server.connector_state());
        co_await peer.send(request("1", "1"));
        co_await peer.expect(answer("1", 11, "1"));
        co_await server.close();
        co_await peer.expect(std::string("\0\0\0\1\x14", 5));
        co_await peer.expect_end();
        co_await in_handshake.expect_end();
    });
    test::run_out(context);
}

TEST_CASE("a server that closes does not wait for ever for a client that does not") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), Routes());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer deaf = co_await ScriptedPeer::greet(server.connector_state(), "deaf");
        co_await test::until([&] { return server.client_ids().size() == 1; });
        co_await server.notify("much", std::string(20'000'000, 'x'));  // more than the sockets hold
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a server does not answer a client that said goodbye, and hears nothing from it any more") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(state, "ann");
        const auto more = u32(4) +
                          "\x14"
                          "abc";  // the close notify may carry what nobody reads
        co_await peer.send(message_frame(R"({"id": "", "type": 2, "route": "note"})", "1") + more +
                           message_frame(R"({"id": "", "type": 2, "route": "note"})", "2"));
        co_await peer.read_to_end();
        co_await test::until([&] { return served.server.client_ids().size() == 1; });
        CHECK(served.notes == std::vector{1});
    });
}

TEST_CASE("the newest connection of a client takes over, and the earlier one is closed in order") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer older = co_await ScriptedPeer::greet(state, "ann");
        co_await older.send(request("1", "7", "late"));
        co_await test::until([&] { return served.calls == 1; });
        ScriptedPeer newer = co_await ScriptedPeer::greet(state, "ann");
        co_await older.expect(close_frame());
        co_await older.expect_end();
        older.cut();
        CHECK(served.server.client_ids().size() == 2);
        served.released.set();
        co_await newer.expect(answer("1", 11, "7", "late"));  // begun on the earlier connection
        co_await newer.send(request("2", "2"));
        co_await newer.expect(answer("2", 11, "2"));
    });
}

TEST_CASE("a handler's answer goes out on the client's next connection") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool back_before_the_answer = GENERATE(true, false);
    CAPTURE(transport, back_before_the_answer);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer first = co_await ScriptedPeer::greet(state, "ann");
        co_await first.send(request("1", "7", "late"));
        co_await test::until([&] { return served.calls == 1; });
        first.cut();
        co_await test::until([&] { return served.server.client_ids().size() == 1; });
        if (!back_before_the_answer) {
            served.released.set();
        }
        ScriptedPeer second = co_await ScriptedPeer::greet(state, "ann");
        served.released.set();
        co_await second.expect(answer("1", 11, "7", "late"));
    });
}

TEST_CASE("a server's request that was sent and lost is completed by the answer on the client's next connection") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Served served(transport);

    served.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer first = co_await ScriptedPeer::greet(state, "ann");
        std::vector<int> answers;
        served.server.client("ann").request<int>("sum", 1,
                                                 [&](std::exception_ptr, int number) { answers.push_back(number); });
        const auto sent = co_await first.read_message();
        first.cut();
        co_await test::until([&] { return served.server.client_ids().size() == 1; });
        served.server.client("ann").request<int>("sum", 2,
                                                 [&](std::exception_ptr, int number) { answers.push_back(number); });
        ScriptedPeer second = co_await ScriptedPeer::greet(state, "ann");
        const auto waited = co_await second.read_message();  // and the first is not sent again
        CHECK(waited.body == "2");
        co_await second.send(sent.answer(11, "11") + waited.answer(11, "22"));
        co_await test::until([&] { return answers.size() == 2; });
        CHECK(answers == std::vector{11, 22});
    });
}

}  // namespace scripted_client
