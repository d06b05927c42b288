// Whatever a user's code throws, and wherever: the request at hand ends with an error, and all the rest lives.
#include "support/pair.hpp"

namespace thrown {

/// Throws what is no std::exception when it is loaded, or dumped, with this value.
struct Thorny {
    int value = 0;
};

}  // namespace thrown

template <>
struct communica::Converter<thrown::Thorny> {
    static thrown::Thorny load(int value) {
        if (value == 13) {
            throw 7;  // NOLINT(hicpp-exception-baseclass)
        }
        return {value};
    }
    static int dump(const thrown::Thorny& thorny) {
        if (thorny.value == 14) {
            throw 7;  // NOLINT(hicpp-exception-baseclass)
        }
        return thorny.value;
    }
};

namespace thrown {

using communica::errc;
using communica::Error;
using test::RoutePair;
using test::Routes;
using namespace std::chrono_literals;

namespace {

using communica::Connection;
using communica::ConnectionOptions;

struct Script {
    int accepts_that_throw = 0;
    int connects_that_throw = 0;
    bool address_throws = false;
};

/// Passes on to another listener, but throws first.
class ThrowingListener final : public communica::Listener {
 public:
    ThrowingListener(std::shared_ptr<Listener> inner, std::shared_ptr<Script> script)
        : inner_(std::move(inner)), script_(std::move(script)) {}

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        switch (script_->accepts_that_throw > 0 ? script_->accepts_that_throw-- : 0) {
            case 0: break;
            case 1: throw std::bad_alloc();
            default: throw 7;  // NOLINT(hicpp-exception-baseclass)
        }
        return inner_->accept();
    }
    void close() override { inner_->close(); }
    std::string address() const override { return inner_->address(); }
    std::string state() const override { return inner_->state(); }

 private:
    std::shared_ptr<Listener> inner_;
    std::shared_ptr<Script> script_;
};

/// Over TCP, but throws first.
struct ThrowingConnector {
    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        if (script->connects_that_throw > 0) {
            --script->connects_that_throw;
            throw 7;  // NOLINT(hicpp-exception-baseclass)
        }
        return inner.connect(std::move(executor), std::move(options));
    }
    asio::awaitable<std::shared_ptr<communica::Listener>> listen(asio::any_io_executor executor,
                                                                 ConnectionOptions options) const {
        auto listener = co_await inner.listen(std::move(executor), std::move(options));
        co_return std::make_shared<ThrowingListener>(std::move(listener), script);
    }
    std::string address() const {
        if (script->address_throws) {
            throw std::runtime_error("no text for this address");
        }
        return inner.address();
    }
    std::string dump_state() const { return inner.dump_state(); }
    static ThrowingConnector load_state(const std::string& state) {
        return {communica::TcpConnector::load_state(state), std::make_shared<Script>()};
    }

    communica::TcpConnector inner{"127.0.0.1", 0};
    std::shared_ptr<Script> script = std::make_shared<Script>();
};

using Server = communica::RouteServer<ThrowingConnector>;
using Client = communica::RouteClient<ThrowingConnector>;

/// A user's serializer that throws for two values.
struct ThornySerializer {
    void dump(communica::Nothing, communica::Buffer&) const {}
    void dump(int value, communica::Buffer& out) const {
        if (value == 14) {
            throw 7;  // NOLINT(hicpp-exception-baseclass)
        }
        out.append(std::to_string(value));
    }
    template <std::same_as<int> T>
    T load(communica::Bytes bytes) const {
        const int value = std::stoi(std::string(communica::as_text(bytes)));
        if (value == 13) {
            throw 7;  // NOLINT(hicpp-exception-baseclass)
        }
        return value;
    }
};
constexpr communica::Route<int(int), ThornySerializer> thorny_route{"thorny"};

/// How a request ended.
template <class T>
asio::awaitable<std::error_code> code_of(asio::awaitable<T> request) {
    try {
        co_await std::move(request);
    } catch (...) {
        co_return Error::from(std::current_exception()).code;
    }
    co_return std::error_code();
}

Routes echo() {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    return routes;
}

}  // namespace

TEST_CASE("a converter may throw anything, on either side, loading or dumping") {
    const auto transport = GENERATE(test::Transport::local, test::Transport::memory);
    CAPTURE(transport);
    Routes routes = echo();
    routes.add("load", [](Thorny thorny) { return thorny.value; });
    routes.add("dump", [](int value) { return Thorny{value}; });
    routes.add("load in a coroutine", [](Thorny thorny) -> asio::awaitable<int> { co_return thorny.value; });
    routes.add("dump in a coroutine", [](int value) -> asio::awaitable<Thorny> { co_return Thorny{value}; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const communica::RequestOptions options{.timeout = std::nullopt};
        for (const std::string suffix : {"", " in a coroutine"}) {
            CHECK_AWAITED(1, client.request<int>("load" + suffix, Thorny{1}, options));
            CHECK_AWAITED(communica::make_error_code(errc::serializer_error),
                          code_of(client.request<int>("load" + suffix, 13, options)));
            CHECK_AWAITED(communica::make_error_code(errc::responder_error),
                          code_of(client.request<int>("dump" + suffix, 14, options)));
        }
        CHECK_AWAITED(communica::make_error_code(errc::serializer_error),
                      code_of(client.request<int>("echo", Thorny{14}, options)));
        CHECK_AWAITED(communica::make_error_code(errc::serializer_error),
                      code_of(client.request<Thorny>("echo", 13, options)));
        CHECK_AWAITED(1, client.request<int>("echo", 1));
    });
}

TEST_CASE("a serializer of a user may throw anything, on either side, loading or dumping") {
    const auto transport = GENERATE(test::Transport::local, test::Transport::memory);
    CAPTURE(transport);
    Routes routes;
    routes.add(thorny_route, [](int value) { return value + 10; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        communica::RequestOptions options;
        options.timeout = std::nullopt;
        const auto serializer_error = communica::make_error_code(errc::serializer_error);
        CHECK_AWAITED(serializer_error, code_of(client.request(thorny_route, 14, options)));  // dumped here
        CHECK_AWAITED(serializer_error, code_of(client.request(thorny_route, 13, options)));  // loaded there
        CHECK_AWAITED(communica::make_error_code(errc::responder_error),
                      code_of(client.request(thorny_route, 4, options)));                    // dumped there
        CHECK_AWAITED(serializer_error, code_of(client.request(thorny_route, 3, options)));  // loaded here
        CHECK_AWAITED(11, client.request(thorny_route, 1, options));
    });
}

TEST_CASE("what a completion throws on its connection's executor is that executor's, and the connection lives") {
    asio::io_context context;
    std::optional<asio::any_io_executor> executor;  // of the client's connection
    Routes routes = echo();
    Routes at_client;
    at_client.add("executor", [&](int number) -> asio::awaitable<int> {
        executor = co_await asio::this_coro::executor;
        co_return number;
    });
    int connections = 0;
    communica::RouteServer server(context, communica::TcpConnector("127.0.0.1", 0), routes);
    auto options = test::quick_client();
    options.on_connect = [&] { ++connections; };
    std::optional<communica::RouteClient<communica::TcpConnector>> client;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, communica::TcpConnector::load_state(server.connector_state()), at_client, options);
        co_await client->connect();
        CHECK_AWAITED(1, server.client("client").request<int>("executor", 1));
    });
    bool asked = false;
    client->request<int>("echo", 7, asio::bind_executor(*executor, [&](const std::exception_ptr&, int) {
                             asked = true;
                             throw 7;  // NOLINT(hicpp-exception-baseclass)
                         }));
    bool came_out = false;
    const auto end = std::chrono::steady_clock::now() + test::patience;
    while (!came_out && std::chrono::steady_clock::now() < end) {
        try {
            context.run_one_until(end);
        } catch (int) {
            came_out = true;
        }
    }
    CHECK(asked);
    CHECK(came_out);
    test::run(context, [&]() -> asio::awaitable<void> {
        CHECK_AWAITED(1, client->request<int>("echo", 1));
        CHECK(connections == 1);
        co_await client->close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("an interceptor that swallows what the handler throws, or calls it twice, makes no answer of nothing") {
    const bool in_coroutine = GENERATE(true, false);
    CAPTURE(in_coroutine);
    asio::io_context context;
    Routes routes;
    const auto fail = [](const std::string&) -> std::string { throw communica::RequesterError("no such item", 404); };
    const auto fail_later = [fail](std::string text) -> asio::awaitable<std::string> { co_return fail(text); };
    const auto echo_later = [](std::string text) -> asio::awaitable<std::string> { co_return text; };
    if (in_coroutine) {
        routes.add("swallow", fail_later);
        routes.add("twice", echo_later);
    } else {
        routes.add("swallow", fail);
        routes.add("twice", [](std::string text) { return text; });
    }
    communica::ServerOptions options;
    options.log = communica::no_log;
    options.interceptor = [](communica::Context& asked, communica::NextHandler next) -> asio::awaitable<void> {
        if (asked.route() == "twice") {
            co_await next();
        }
        try {
            co_await next();
        } catch (const communica::RequesterError&) {
        }
    };
    communica::RouteServer server(context, communica::TcpConnector("127.0.0.1", 0), routes, options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::RouteClient client(context, communica::TcpConnector::load_state(server.connector_state()),
                                      test::quick_client());
        const auto swallowed = co_await client.try_request<std::string>("swallow", "text");
        CHECK(swallowed.error().message == "no such item");
        CHECK(swallowed.error().status == 404);
        const auto twice = co_await client.try_request<std::string>("twice", "text");
        CHECK(twice.error().kind == Error::Kind::responder);
        CHECK(twice.error().message.find("twice") != std::string::npos);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a listener may throw anything: the server accepts on, and closes") {
    const ThrowingConnector connector;
    connector.script->accepts_that_throw = 3;
    asio::io_context context;
    std::vector<std::string> log;
    communica::ServerOptions options;
    options.log = [&](communica::LogLevel level, std::string_view text) {
        if (level == communica::LogLevel::error) {
            log.emplace_back(text);
        }
    };
    Server server(context, connector, echo(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Client client(context, ThrowingConnector::load_state(server.connector_state()), test::quick_client());
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(log.size() == 3);
}

TEST_CASE("a connector may throw anything, its address too: the client comes by itself") {
    asio::io_context context;
    Server server(context, ThrowingConnector(), echo());
    std::vector<std::string> log;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        auto connector = ThrowingConnector::load_state(server.connector_state());
        connector.script->connects_that_throw = 2;
        connector.script->address_throws = true;
        auto options = test::quick_client();
        options.log = [&](communica::LogLevel, std::string_view text) { log.emplace_back(text); };
        Client client(context, connector, options);
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(log.size() >= 3);
}

TEST_CASE("a hook and a log may throw anything: it leaves io_context::run, and requests are answered") {
    const std::string of = GENERATE("server's hooks", "server's log", "client's hooks", "client's log");
    CAPTURE(of);
    int thrown = 0;
    const auto fail = [&thrown](auto&&...) {
        ++thrown;
        throw 7;  // NOLINT(hicpp-exception-baseclass)
    };
    communica::ServerOptions at_server;
    at_server.log = communica::no_log;
    auto at_client = test::quick_client();
    if (of == "server's hooks") {
        at_server.on_connect = fail;
        at_server.on_disconnect = fail;
    } else if (of == "server's log") {
        at_server.log = fail;
    } else if (of == "client's hooks") {
        at_client.on_connect = fail;
        at_client.on_disconnect = fail;
    } else {
        at_client.log = fail;
    }
    asio::io_context context;
    const communica::MemoryConnector connector;
    communica::RouteServer server(context, connector, echo(), at_server);
    communica::RouteClient client(context, connector, at_client);

    int came_out = 0;
    int done = 0;
    const auto run_until = [&](int goal) {
        const auto end = std::chrono::steady_clock::now() + test::patience;
        while (done != goal && std::chrono::steady_clock::now() < end) {
            try {
                context.restart();
                context.run_one_until(end);
            } catch (int) {
                ++came_out;
            }
        }
    };
    const auto note = [&done](const std::exception_ptr& failure, auto&&...) { done += failure ? 0 : 1; };
    server.start(note);
    client.connect(note);
    run_until(2);
    client.request<int>("echo", 1, note);
    run_until(3);
    client.close(note);
    server.close(note);
    run_until(5);
    CHECK(done == 5);
    CHECK(thrown > 0);
    CHECK(came_out > 0);
}

}  // namespace thrown
