// What a client does, byte for byte, with servers that are scripts.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <asio/experimental/awaitable_operators.hpp>

#include <algorithm>

namespace scripted_server {

using communica::errc;
using communica::Error;
using test::chunk_frame;
using test::close_frame;
using test::error_of;
using test::message_frame;
using test::Routes;
using test::ScriptedPeer;
using test::u32;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

namespace {

using Client = communica::SimpleClient<test::TestConnector>;

/// A client, and the place where scripts wait for it.
struct Scripted {
    explicit Scripted(test::Transport transport, communica::ClientOptions options = test::quick_client("ann"))
        : listener(context, transport),
          client(context, listener.connector(), [](nlohmann::json value) { return value; }, options) {}

    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await body();
            co_await client.close();
        });
        test::run_out(context);
    }

    /// The client's next connection, past the handshake on both sides.
    asio::awaitable<ScriptedPeer> connected() {
        client.start();
        ScriptedPeer server = co_await listener.greet("ann");
        co_await client.wait_connected();
        co_return server;
    }

    /// Keeps answers and errors of requests, in the order in which they end.
    auto into() {
        return [this](std::exception_ptr failure, int answer) {
            endings.push_back(failure ? Error::from(failure) : Error{});
            answers.push_back(answer);
        };
    }

    asio::io_context context;
    test::ScriptedListener listener;
    std::vector<Error> endings;
    std::vector<int> answers;
    Client client;
};

const std::string echo_request = message_frame(R"({"id": "1", "type": 1})", "1");
const std::string refusal = "\x04{\"reason\": \"not today\"}";
const std::string echo_answer = message_frame(R"({"id": "1", "type": 11})", "1");

}  // namespace

TEST_CASE("a client greets, asks in the canonical form and says goodbye with five bytes") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer server = co_await scripted.connected();
        scripted.client.request<int>("\u00e4", scripted.into());
        scripted.client.notify(nullptr, asio::detached);
        const auto request = co_await server.read_message();
        CHECK(request.id().size() == 32);
        CHECK(request.id().find_first_not_of("0123456789abcdef") == std::string::npos);
        CHECK(request.metadata == R"({"id": ")" + request.id() + R"(", "type": 1})");
        CHECK(request.body == "\"\u00e4\"");
        co_await server.expect(message_frame(R"({"id": "", "type": 2})", "null"));
        co_await server.send(request.answer(11, "7"));
        co_await test::until([&] { return !scripted.answers.empty(); });
        CHECK(scripted.answers == std::vector{7});
        scripted.client.stop();
        co_await server.expect(std::string("\0\0\0\1\x14", 5));
        co_await server.expect_end();
    });
}

TEST_CASE("a client reads a hello and frames that come in one packet, or byte by byte") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool bytewise = GENERATE(true, false);
    CAPTURE(transport, bytewise);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        scripted.client.start();
        ScriptedPeer server = co_await scripted.listener.accept();
        const std::string bytes = R"({"anything":["goes", 1]})" + std::string(1, '\0') + echo_request +
                                  chunk_frame(0, 1, R"({"id": "1", "type": 1})", "1");
        if (bytewise) {
            co_await server.send_bytewise(bytes);
        } else {
            co_await server.send(bytes);
        }
        co_await server.expect_client_hello("ann");
        co_await server.expect(echo_answer + echo_answer);
        co_await scripted.client.wait_connected();
    });
}

TEST_CASE("a client that is refused instead of greeted tries again, and says the reason when it gives up") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        int refusals = 0;
        const auto refuse_all = [&]() -> asio::awaitable<void> {
            for (;;) {
                ScriptedPeer server = co_await scripted.listener.accept();
                co_await server.expect_client_hello("ann");
                co_await server.send(refusal);
                server.end();
                co_await server.read_to_end();
                ++refusals;
            }
        };
        const auto given_up = co_await (error_of(scripted.client.connect({.timeout = 200ms})) || refuse_all());
        REQUIRE(given_up.index() == 0);
        const Error& error = std::get<0>(given_up);
        CHECK(error.code == errc::timeout);
        CHECK(error.message.find("refused: not today") != std::string::npos);
        CHECK(refusals >= 2);
    });
}

TEST_CASE("a client that is refused after the hello drops the connection and tries again") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool bytewise = GENERATE(true, false);
    CAPTURE(transport, bytewise);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        scripted.client.start();
        ScriptedPeer first = co_await scripted.listener.accept();
        co_await first.expect_client_hello("ann");
        if (bytewise) {
            co_await first.send_bytewise(test::server_hello + refusal);
        } else {
            co_await first.send(test::server_hello + refusal);
        }
        first.end();
        co_await first.read_to_end();
        ScriptedPeer second = co_await scripted.listener.accept();
        const Error error = co_await error_of(scripted.client.wait_connected({.timeout = 10ms}));
        CHECK(error.code == errc::timeout);
        CHECK(error.message.find("refused: not today") != std::string::npos);
        co_await second.send(test::server_hello);
        co_await scripted.client.wait_connected();
    });
}

TEST_CASE("a server that does not greet as it should is left and tried again") {
    const auto transport = GENERATE(test::scripted_transports());
    const std::string hello = GENERATE(std::string(), std::string("not JSON") + '\0', std::string(1, '\0'),
                                       std::string(70'000, 'x'), std::string("{\"hello\": \"hel"));
    CAPTURE(transport, hello.size());
    communica::ClientOptions options = test::quick_client("ann");
    options.connect_timeout = 1s;  // also for the attempt that is greeted as it should: time enough on a busy machine
    Scripted scripted(transport, options);

    scripted.run([&]() -> asio::awaitable<void> {
        scripted.client.start();
        ScriptedPeer odd = co_await scripted.listener.accept();
        (void)co_await error_of(odd.send(hello));  // the client may be gone by then
        co_await odd.read_to_end();
        CHECK_FALSE(scripted.client.is_connected());
        ScriptedPeer server = co_await scripted.listener.greet("ann");
        co_await scripted.client.wait_connected();
        co_await server.send(echo_request);
        co_await server.expect(echo_answer);
    });
}

TEST_CASE("a bad frame from the server ends the connection, and the client comes back") {
    const auto transport = GENERATE(test::scripted_transports());
    const std::string bad = GENERATE(u32(0), u32(1) + '\x15', u32(5) + '\x0a' + u32(100), message_frame("[]", ""),
                                     message_frame("{}", ""), u32(13) + '\x0b' + u32(0) + u32(1) + u32(1));
    CAPTURE(transport, test::readable(bad));
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer odd = co_await scripted.connected();
        co_await odd.send(echo_request + bad + echo_request);
        const std::string rest = co_await odd.read_to_end();  // a reset may take the answer with it
        CHECK((rest.empty() || rest == echo_answer));
        ScriptedPeer server = co_await scripted.connected();
        co_await server.send(echo_request);
        co_await server.expect(echo_answer);
    });
}

TEST_CASE("a client that its server says goodbye to closes, ends what it asked, and comes back") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer first = co_await scripted.connected();
        scripted.client.request<int>(1, scripted.into());
        co_await first.read_message();
        co_await first.send(close_frame());
        co_await first.expect_end();
        co_await test::until([&] { return !scripted.endings.empty(); });
        CHECK(scripted.endings.back().code == errc::connection_lost);
        ScriptedPeer second = co_await scripted.connected();
        scripted.client.request<int>(2, scripted.into());
        const auto sent = co_await second.read_message();
        co_await second.send(sent.answer(11, "7"));
        co_await test::until([&] { return scripted.endings.size() == 2; });
        CHECK(scripted.answers.back() == 7);
    });
}

TEST_CASE("every kind of error answer ends its request, whatever its body") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);
    using Kind = Error::Kind;
    struct Given {
        int type;
        std::string body;
        Kind kind;
        std::error_code code;
        std::optional<std::int64_t> status;
        std::optional<std::string> message;
    };
    const std::vector<Given> all{
        {41, R"({"code": 404, "message": "no \u00e4"})", Kind::requester, errc::requester_error, 404, "no \u00e4"},
        {41, R"({"message": "no", "code": null})", Kind::requester, errc::requester_error, {}, "no"},
        {51, R"({"code": -1, "message": ""})", Kind::responder, errc::responder_error, -1, ""},
        {42, R"({"message": "no"})", Kind::serializer, errc::serializer_error, {}, "no"},
        {30,
         R"-({"code": null, "message": "ValueError('x')"})-",
         Kind::unknown,
         errc::unknown_error,
         {},
         "ValueError('x')"},
        {51, R"({"code": 503, "message": "m", "errc": "busy"})", Kind::responder, errc::busy, 503, "m"},
        {51, R"({"code": 503, "message": "m", "errc": "draining"})", Kind::responder, errc::draining, 503, "m"},
        {51, R"({"code": 503, "message": "m", "errc": "closed"})", Kind::responder, errc::closed, 503, "m"},
        {51, R"({"code": 504, "message": "m", "errc": "timeout"})", Kind::responder, errc::timeout, 504, "m"},
        {41, R"({"code": 413, "message": "m", "errc": "message_too_large"})", Kind::requester, errc::message_too_large,
         413, "m"},
        {51, R"({"code": 1, "message": "m", "errc": "what?"})", Kind::responder, errc::responder_error, 1, "m"},
        {41, R"({"message": "no code"})", Kind::requester, errc::requester_error, {}, "no code"},
        {41, R"({"code": 7})", Kind::requester, errc::requester_error, 7, {}},
        {51, "{}", Kind::responder, errc::responder_error, {}, {}},
        {30, "{}", Kind::unknown, errc::unknown_error, {}, {}},
        {42, "{}", Kind::serializer, errc::serializer_error, {}, {}},
        {41, "", Kind::requester, errc::requester_error, {}, {}},
        {51, "not JSON", Kind::responder, errc::responder_error, {}, {}},
        {30, "[1]", Kind::unknown, errc::unknown_error, {}, {}},
        {42, "\"text\"", Kind::serializer, errc::serializer_error, {}, {}},
        {41, R"({"code": "404", "message": 5})", Kind::requester, errc::requester_error, {}, {}},
        {41, R"({"code": 1e3, "message": "m"})", Kind::requester, errc::requester_error, {}, "m"},
        {41, std::string(5000, '['), Kind::requester, errc::requester_error, {}, {}},
        {12, "1", Kind::unknown, errc::unknown_error, {}, {}},
        {77, "not JSON", Kind::unknown, errc::unknown_error, {}, {}},
        {11, "not JSON", Kind::serializer, errc::serializer_error, {}, {}},
        {11, "", Kind::serializer, errc::serializer_error, {}, {}},
        {11, "\"text\"", Kind::serializer, errc::serializer_error, {}, {}},
    };

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer server = co_await scripted.connected();
        for (const Given& given : all) {
            scripted.client.request<int>(1, scripted.into());
            const auto request = co_await server.read_message();
            co_await server.send(request.answer(given.type, given.body));
            co_await test::until([&] { return !scripted.endings.empty(); });
            const Error error = scripted.endings.back();
            CAPTURE(given.type, given.body, error.message);
            CHECK(error.kind == given.kind);
            CHECK(error.code == given.code);
            CHECK(error.status == given.status);
            CHECK((!given.message || error.message == *given.message));
            CHECK(scripted.endings.size() == 1);
            scripted.endings.clear();
        }
    });
}

TEST_CASE("answers find their requests in whatever form their metadata is") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer server = co_await scripted.connected();
        for (int number = 0; number != 4; ++number) {
            scripted.client.request<int>(number, scripted.into());
        }
        std::vector<std::string> ids;
        for (int number = 0; number != 4; ++number) {
            const auto request = co_await server.read_message();
            ids.push_back(request.id());
        }
        const std::string unknown = R"({"id": "00000000000000000000000000000000", "type": 11})";
        co_await server.send(
            message_frame(R"({"type":11,"id":")" + ids[3] + "\"}", "3") + message_frame(unknown, "9") +
            message_frame(" {\n\"id\"\t:\"" + ids[1] + "\", \"more\": {\"id\": 1}, \"type\": 11.0 }", " 1 ") +
            message_frame(R"({"id": "x", "type": 41})", "") + message_frame(R"({"type": 11})", "9") +
            chunk_frame(0, 2, R"({"id": ")" + ids[0] + R"(", "type": 11})", "1") + chunk_frame(7, 2, "", "0") +
            message_frame(R"({"route": "r", "type": 11, "id": ")" + ids[2] + "\"}", "2") +
            message_frame(R"({"id": ")" + ids[2] + R"(", "type": 11})", "9"));
        co_await test::until([&] { return scripted.answers.size() == 4; });
        CHECK(scripted.answers == std::vector{3, 1, 10, 2});
        co_await server.send(echo_request);  // behind all these
        co_await server.expect(echo_answer);
        CHECK(scripted.answers.size() == 4);
    });
}

TEST_CASE("an answer over the client's limit fails its request alone") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ClientOptions options = test::quick_client("ann");
    options.limits.max_message = 1000;
    Scripted scripted(transport, options);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer server = co_await scripted.connected();
        scripted.client.request<int>(1, scripted.into());
        scripted.client.request<int>(2, scripted.into());
        const auto first = co_await server.read_message();
        const auto second = co_await server.read_message();
        co_await server.send(first.answer(11, std::string(1'000'000, '1')) + second.answer(11, "2"));
        co_await test::until([&] { return scripted.endings.size() == 2; });
        CHECK(scripted.endings.front().code == errc::message_too_large);
        CHECK_FALSE(scripted.endings.back().code);
        co_await server.send(message_frame(R"({"id": "1", "type": 1})", std::string(2000, ' ')));
        const auto refused = co_await server.read_message();
        CHECK(refused.type() == 41);
        CHECK(nlohmann::json::parse(refused.body).at("code") == 413);
    });
}

TEST_CASE("a request that was sent and lost is completed by the answer on the next connection") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer first = co_await scripted.connected();
        scripted.client.request<int>(1, scripted.into());
        const auto sent = co_await first.read_message();
        first.cut();
        co_await test::until([&] { return !scripted.client.is_connected(); });
        scripted.client.request<int>(2, scripted.into());
        scripted.client.notify(3, asio::detached);
        ScriptedPeer second = co_await scripted.connected();
        const auto waited = co_await second.read_message();  // and the first is not sent again
        CHECK(waited.body == "2");
        co_await second.expect(message_frame(R"({"id": "", "type": 2})", "3"));
        co_await second.send(sent.answer(11, "11") + waited.answer(11, "22"));
        co_await test::until([&] { return scripted.answers.size() == 2; });
        CHECK(scripted.answers == std::vector{11, 22});
    });
}

TEST_CASE("what a lost connection did not send goes out on the next, in order, but for what is late by then") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool chunked = GENERATE(true, false);
    CAPTURE(transport, chunked);
    communica::ClientOptions options = test::quick_client("ann");
    if (chunked) {
        options.limits.max_frame = 1'000'000;
    }
    Scripted scripted(transport, options);

    scripted.run([&]() -> asio::awaitable<void> {
        ScriptedPeer deaf = co_await scripted.connected();
        const communica::RequestOptions brief{.timeout = 500ms};
        scripted.client.request<int>(std::string(30'000'000, 'x'), brief,
                                     scripted.into());  // more than the sockets hold
        co_await deaf.read(1000);
        for (int number = 0; number != 5; ++number) {
            scripted.client.request<int>(number, scripted.into());
            scripted.client.notify(number, asio::detached);
        }
        deaf.cut();
        co_await test::until([&] { return scripted.endings.size() == 1; });
        ScriptedPeer server = co_await scripted.connected();
        for (int number = 0; number != 5; ++number) {
            const auto request = co_await server.read_message();
            CHECK(request.type() == 1);
            CHECK(request.body == std::to_string(number));
            co_await server.expect(message_frame(R"({"id": "", "type": 2})", std::to_string(number)));
            co_await server.send(request.answer(11, request.body));
        }
        co_await test::until([&] { return scripted.endings.size() == 6; });
        const auto failed = std::find_if(scripted.endings.begin(), scripted.endings.end(),
                                         [](const Error& error) { return error.code != std::error_code(); });
        REQUIRE(failed != scripted.endings.end());
        CHECK(failed->code == errc::timeout);  // nobody knows what became of the first
        scripted.answers.erase(scripted.answers.begin() + (failed - scripted.endings.begin()));
        CHECK(scripted.answers == std::vector{0, 1, 2, 3, 4});
    });
}

TEST_CASE("a client's handler answers on the next connection") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    test::Event released;
    int calls = 0;
    const auto late = [&](int number) -> asio::awaitable<int> {
        ++calls;
        co_await released.wait();
        co_return number;
    };

    test::run(context, [&]() -> asio::awaitable<void> {
        communica::SimpleClient client(context, listener.connector(), late, test::quick_client("ann"));
        client.start();
        ScriptedPeer first = co_await listener.greet("ann");
        co_await first.send(echo_request);
        co_await test::until([&] { return calls == 1; });
        first.cut();
        co_await test::until([&] { return !client.is_connected(); });
        released.set();
        ScriptedPeer second = co_await listener.greet("ann");
        co_await second.expect(echo_answer);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a client that is closed in the middle of a handshake is closed at once") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Scripted scripted(transport);

    scripted.run([&]() -> asio::awaitable<void> {
        scripted.client.start();
        scripted.client.request<int>(1, scripted.into());
        ScriptedPeer silent = co_await scripted.listener.accept();
        co_await silent.expect_client_hello("ann");
        co_await scripted.client.close();
        co_await silent.read_to_end();
        co_await test::until([&] { return !scripted.endings.empty(); });
        CHECK(scripted.endings.front().code == errc::closed);
    });
}

}  // namespace scripted_server
