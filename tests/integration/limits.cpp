// How large a message may be, and how much of a connection may be at work: each limit below, at and above it, with a
// peer of ours and with one that offers nothing.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <array>

namespace limits {

using communica::errc;
using communica::Error;
using nlohmann::json;
using test::error_of;
using test::message_frame;
using test::RouteClient;
using test::Routes;
using test::ScriptedPeer;
using test::u32;
using namespace std::chrono_literals;

namespace {

std::error_code code_of(const std::exception_ptr& failure) {
    return failure ? Error::from(failure).code : std::error_code();
}

/// A server with limits, a client of ours, and `steady`, another one: its requests have to go on all the while.
struct Limited {
    explicit Limited(test::Transport transport, const communica::Limits& of_server,
                     const communica::Limits& of_client = {})
        : meeting(transport), server(context, meeting.at_server(), routes(), server_options(of_server)) {
        client_options.limits = of_client;
    }

    communica::ServerOptions server_options(const communica::Limits& limits) {
        communica::ServerOptions options;
        options.limits = limits;
        options.on_disconnect = [this](const std::string& id, const Error&) { gone.push_back(id); };
        return options;
    }

    Routes routes() {
        Routes table;
        table.add("echo", [](json value) { return value; });
        table.add("size", [this](std::string text) {
            ++calls;
            return text.size();
        });
        table.add("give", [](std::size_t size) { return std::string(size, 'g'); });
        // Stays at work until the test lets it go.
        table.add("late", [this](std::string text) -> asio::awaitable<std::size_t> {
            const test::Event let_go;
            at_work.push_back(let_go);
            co_await let_go.wait();
            co_return text.size();
        });
        return table;
    }

    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            client.emplace(context, meeting.at_client(server), routes(), client_options);
            co_await client->connect();
            steady.emplace(context, meeting.at_client(server), test::quick_client("steady"));
            co_await steady->connect();
            co_await body();
            co_await check_steady();
            co_await client->close();
            co_await steady->close();
            co_await server.close();
        });
        test::run_out(context);
    }

    asio::awaitable<void> check_steady() { CHECK_AWAITED(7, steady->request<int>("echo", 7)); }

    asio::awaitable<ScriptedPeer> script() { return ScriptedPeer::greet(server.connector_state(), "script"); }

    auto keep() {
        return [this](std::exception_ptr failure, std::size_t) { codes.push_back(code_of(failure)); };
    }

    asio::io_context context;
    test::Meeting meeting;
    communica::ClientOptions client_options = test::quick_client("ann");
    std::vector<std::string> gone;
    std::vector<test::Event> at_work;
    std::vector<std::error_code> codes;
    int calls = 0;
    test::RouteServer server;
    std::optional<RouteClient> client;
    std::optional<RouteClient> steady;
};

/// A text that takes so many bytes as JSON.
std::string text_of(std::size_t size) { return std::string(size - 2, 'x'); }
std::string quoted(std::size_t size) { return '"' + text_of(size) + '"'; }

std::string metadata_of(const std::string& route, const std::string& id = "1") {
    return R"({"id": ")" + id + R"(", "type": 1, "route": ")" + route + "\"}";
}
std::string request(const std::string& route, const std::string& body) {
    return message_frame(metadata_of(route), body);
}

/// Of requests to this route as our peers make them, and of their answers.
std::size_t metadata_size(const std::string& route) { return metadata_of(route, std::string(32, '0')).size(); }

asio::awaitable<void> expect_busy(ScriptedPeer& peer) {
    const auto message = co_await peer.read_message();
    CHECK(message.type() == 51);
    const json body = json::parse(message.body);
    CHECK(body.at("code") == 503);
    CHECK(body.at("errc") == "busy");
    CHECK(body.at("message").is_string());
}

asio::awaitable<void> expect_answer(ScriptedPeer& peer, std::string body) {
    const auto message = co_await peer.read_message();
    CHECK(message.type() == 11);
    CHECK(message.body == body);
}

json nested(int depth) {
    json value = json::array();
    for (int level = 1; level != depth; ++level) {
        json outer = json::array();
        outer.push_back(std::move(value));
        value = std::move(outer);
    }
    return value;
}
std::string brackets(int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("a peer of ours is told how large a message may be, and sends none that is larger, both ways") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_message = 1000}, {.max_message = 2000});

    limited.run([&]() -> asio::awaitable<void> {
        const std::size_t metadata = metadata_size("size");
        const auto ask = [&](auto asker, std::size_t size) {
            return asker->template request<std::size_t>("size", text_of(size - metadata));
        };
        auto ann = limited.server.client("ann");
        for (const auto& [below, size] : {std::pair{1, std::size_t{999}}, std::pair{0, std::size_t{1000}}}) {
            CAPTURE(below);
            CHECK_AWAITED(size - metadata - 2, ask(&*limited.client, size));
            CHECK_AWAITED(size + 1000 - metadata - 2, ask(&ann, size + 1000));
        }
        CHECK(limited.calls == 4);
        const Error to_server = co_await error_of(ask(&*limited.client, 1001));
        CHECK(to_server.code == errc::message_too_large);
        CHECK(to_server.message.find("1000 bytes") != std::string::npos);
        const Error to_client = co_await error_of(ask(&ann, 2001));
        CHECK(to_client.code == errc::message_too_large);
        const Error notification = co_await error_of(limited.client->notify("size", text_of(1001)));
        CHECK(notification.code == errc::message_too_large);
        CHECK(limited.calls == 4);  // nothing of them was sent
        CHECK_AWAITED(3, limited.client->request<std::size_t>("size", "abc"));
        CHECK(limited.gone.empty());
    });
}

TEST_CASE("an answer may be as large as the requester takes, and a larger one becomes an error that says so") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {}, {.max_message = 2000});

    limited.run([&]() -> asio::awaitable<void> {
        const std::size_t around = metadata_size("give") + 1 + 2;  // the type has two digits; the quotes
        for (const std::size_t size : {1999 - around, 2000 - around}) {
            const auto answer = co_await limited.client->request<std::string>("give", size);
            CHECK(answer.size() == size);
        }
        const Error error = co_await error_of(limited.client->request<std::string>("give", 2001 - around));
        CHECK(error.code == errc::message_too_large);
        CHECK(error.kind == Error::Kind::responder);
        CHECK(error.status == 413);
        CHECK_AWAITED(1, limited.client->request<int>("echo", 1));
        CHECK(limited.gone.empty());

        // Of one that offers nothing no limit is known.
        ScriptedPeer script = co_await limited.script();
        co_await script.send(request("give", "1000000"));
        co_await expect_answer(script, '"' + std::string(1'000'000, 'g') + '"');
    });
}

TEST_CASE("a client takes answers of one that offers nothing up to its limit") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    communica::ClientOptions options = test::quick_client("ann");
    options.limits.max_message = 1000;

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), options);
        client.start();
        ScriptedPeer server = co_await listener.greet("ann");
        for (const std::size_t size : {999u, 1000u, 1001u, 999u}) {
            std::optional<std::error_code> code;
            client.request<std::string>(
                "any", 1, [&](std::exception_ptr failure, const std::string&) { code = code_of(failure); });
            const auto asked = co_await server.read_message();
            const std::size_t around = asked.answer(11, "").size() - 9;
            co_await server.send(asked.answer(11, quoted(size - around)));
            co_await test::until([&] { return code.has_value(); });
            CAPTURE(size);
            CHECK(*code == (size == 1001 ? make_error_code(errc::message_too_large) : std::error_code()));
        }
        client.stop();
        co_await server.expect(test::close_frame());
        server.cut();
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a body over the limit is read past up to 1 GiB, and above that its connection ends at its head") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_message = 1000});
    const std::string metadata = metadata_of("size");
    const auto head = [&](std::size_t body) {
        return u32(5 + metadata.size() + body) + '\x0a' + u32(4 + metadata.size()) + metadata;
    };
    constexpr std::size_t gibibyte = 1024 * 1024 * 1024;

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer patient = co_await limited.script();
        co_await patient.send(head(gibibyte) + std::string(100'000, 'x'));
        const auto refusal = co_await patient.read_message();
        CHECK(refusal.type() == 41);
        CHECK(json::parse(refusal.body).at("code") == 413);
        co_await limited.check_steady();
        CHECK(limited.gone.empty());
        patient.cut();
        co_await test::until([&] { return limited.gone.size() == 1; });

        ScriptedPeer beyond = co_await limited.script();
        co_await beyond.send(head(gibibyte + 1));
        co_await beyond.expect_end();
    });
}

TEST_CASE("metadata over its limit ends its connection, and no other") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_metadata = 200});
    const auto request_of = [](std::size_t size) {
        const std::size_t around = metadata_of("echo", "").size();
        return message_frame(metadata_of("echo", std::string(size - around, 'i')), "1");
    };

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await limited.script();
        for (const std::size_t size : {199u, 200u}) {
            co_await script.send(request_of(size));
            co_await expect_answer(script, "1");
        }
        co_await script.send(request_of(201));
        co_await script.expect_end();
        co_await test::until([&] { return !limited.gone.empty(); });
        CHECK(limited.gone == std::vector<std::string>{"script"});
        CHECK_AWAITED(1, limited.client->request<int>("echo", 1));
    });
}

TEST_CASE("a peer of ours sends no metadata that is larger than what all peers take") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {});

    limited.run([&]() -> asio::awaitable<void> {
        const auto ask = [&](std::size_t size_of_answer) -> asio::awaitable<int> {
            const std::string around = R"(, "headers": {"h": ""})";
            const std::string text(size_of_answer - 1 - metadata_size("echo") - around.size(), 'h');
            const std::array headers{communica::Header{"h", text}};
            co_return co_await limited.client->request<int>("echo", 1, {.headers = headers});
        };
        // The answer has the same metadata, but for a type of two digits: that has to fit too.
        CHECK_AWAITED(1, ask(64 * 1024 - 1));
        CHECK_AWAITED(1, ask(64 * 1024));
        const Error error = co_await error_of(ask(64 * 1024 + 1));
        CHECK(error.code == errc::message_too_large);
        CHECK_AWAITED(1, limited.client->request<int>("echo", 1));
        CHECK(limited.gone.empty());
    });
}

TEST_CASE("a body nested deeper than 128 levels fails its request alone") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await limited.script();
        for (const int depth : {127, 128}) {
            co_await script.send(request("echo", brackets(depth)));
            co_await expect_answer(script, brackets(depth));
            CHECK_AWAITED(nested(depth), limited.client->request<json>("echo", nested(depth)));
        }
        co_await script.send(request("echo", brackets(129)));
        const auto refusal = co_await script.read_message();
        CHECK(refusal.type() == 42);
        CHECK(json::parse(refusal.body).size() == 1);
        const Error error = co_await error_of(limited.client->request<json>("echo", nested(129)));
        CHECK(error.code == errc::serializer_error);
        CHECK(error.kind == Error::Kind::serializer);
        CHECK_AWAITED(1, limited.client->request<int>("echo", 1));
        co_await script.send(request("echo", "1"));
        co_await expect_answer(script, "1");
        CHECK(limited.gone.empty());
    });
}

TEST_CASE("metadata and hellos may be nested 128 levels deep") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {});
    const auto request_of = [](int depth) {  // one level is the metadata's own
        return message_frame(R"({"id": "1", "type": 1, "route": "echo", "x": )" + brackets(depth - 1) + "}", "1");
    };
    const auto hello_of = [](int depth) { return R"({"client_id": "deep", "x": )" + brackets(depth - 1) + "}" + '\0'; };

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await ScriptedPeer::connect(limited.server.connector_state());
        co_await script.send(hello_of(128) + request_of(128));
        co_await script.expect(test::server_hello);
        co_await expect_answer(script, "1");
        co_await script.send(request_of(129));
        co_await script.expect_end();
        ScriptedPeer refused = co_await ScriptedPeer::connect(limited.server.connector_state());
        co_await refused.send(hello_of(129));
        const std::string refusal = co_await refused.read_to_end();
        CHECK(refusal.starts_with('\x04'));
    });
}

TEST_CASE("a peer of ours may have max_requests at work, and with one more the other side is busy, both ways") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_requests = 2}, {.max_requests = 2});

    limited.run([&]() -> asio::awaitable<void> {
        auto ann = limited.server.client("ann");
        const auto check = [&](auto asker) -> asio::awaitable<void> {
            limited.at_work.clear();
            limited.codes.clear();
            for (std::size_t number = 0; number != 2; ++number) {
                CHECK_AWAITED(1, asker->template request<int>("echo", 1));  // below
                asker->template request<std::size_t>("late", "x", limited.keep());
                co_await test::until([&] { return limited.at_work.size() == number + 1; });
            }
            const Error error = co_await error_of(asker->template request<int>("echo", 1));
            CHECK(error.code == errc::busy);
            CHECK(error.kind == Error::Kind::responder);
            CHECK(error.status == 503);
            co_await limited.check_steady();
            limited.at_work[0].set();
            co_await test::until([&] { return limited.codes.size() == 1; });
            CHECK_AWAITED(1, asker->template request<int>("echo", 1));
            limited.at_work[1].set();
            co_await test::until([&] { return limited.codes.size() == 2; });
            CHECK(limited.codes == std::vector<std::error_code>(2));
        };
        co_await check(&*limited.client);
        co_await check(&ann);
        CHECK(limited.gone.empty());
    });
}

TEST_CASE("one that offers nothing may have max_requests at work, and with one more the server is busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_requests = 2});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await limited.script();
        co_await script.send(request("late", "\"1\"") + request("echo", "1"));
        co_await expect_answer(script, "1");
        co_await script.send(request("late", "\"12\"") + request("echo", "2") + request("late", "\"123\""));
        co_await expect_busy(script);
        co_await expect_busy(script);
        co_await limited.check_steady();
        CHECK(limited.at_work.size() == 2);
        limited.at_work[1].set();
        co_await expect_answer(script, "2");
        co_await script.send(request("echo", "3"));
        co_await expect_answer(script, "3");
        limited.at_work[0].set();
        co_await expect_answer(script, "1");
        CHECK(limited.gone.empty());
    });
}

}  // namespace limits
