// A link that is slow, breaks in the middle of a message, or loses what was on its way.
#include "support/pair.hpp"
#include "support/relay.hpp"

namespace slow_links {

using communica::errc;
using communica::Error;
using test::Passage;
using test::quick_client;
using test::Relay;
using test::Routes;
using namespace std::chrono_literals;

namespace {

using Server = communica::RouteServer<communica::TcpConnector>;
using Client = communica::RouteClient<communica::TcpConnector>;

constexpr std::size_t mebibyte = 1024 * 1024;

/// A server and, behind a relay, a client of it.
struct Linked {
    explicit Linked(const Routes& routes, std::chrono::milliseconds liveness_timeout = 15s) : routes_(routes) {
        server_options.limits.liveness_timeout = liveness_timeout;
        client_options.limits.liveness_timeout = liveness_timeout;
        client_options.on_disconnect = [this](const Error& why) { lost.push_back(why); };
        server_options.on_disconnect = [this](const std::string&, const Error& why) { lost_at_server.push_back(why); };
    }

    template <class Body>
    void run(Passage to_server, Passage to_client, Body body) {
        Server server(context, {"127.0.0.1", 0}, routes_, server_options);
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            Relay relay(context, server.connector_state(), to_server, to_client);
            Client client(context, relay.connector(), routes_, client_options);
            co_await client.connect();
            co_await body(client, server, relay);
            co_await client.close();
            co_await server.close();
        });
        test::run_out(context);
    }

    asio::io_context context;
    communica::ServerOptions server_options;
    communica::ClientOptions client_options = quick_client();
    std::vector<Error> lost;
    std::vector<Error> lost_at_server;

 private:
    Routes routes_;
};

}  // namespace

TEST_CASE("a message that takes longer than the silence allowed keeps its connection alive, up and down") {
    Routes routes;
    routes.add("size", [](const std::string& text) { return text.size(); });
    routes.add("make", [](std::size_t size) { return std::string(size, 'm'); });
    Linked linked(routes, 300ms);
    const Passage slow{.rate = 12 * mebibyte};

    linked.run(slow, slow, [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
        CHECK_AWAITED(8 * mebibyte, client.request<std::size_t>("size", std::string(8 * mebibyte, 's')));
        CHECK((co_await client.request<std::string>("make", 8 * mebibyte)).size() == 8 * mebibyte);
        CHECK(relay.connections() == 1);
        CHECK(linked.lost.empty());
        CHECK(linked.lost_at_server.empty());
    });
}

TEST_CASE("many notifications over a slow link keep it alive, too") {
    int notes = 0;
    Routes routes;
    routes.add("note", [&](const std::string&) { ++notes; });
    routes.add("echo", [](int number) { return number; });
    Linked linked(routes, 300ms);
    const Passage slow{.rate = 12 * mebibyte};

    linked.run(slow, slow, [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
        const std::string note(4000, 'n');
        constexpr int count = 4000;
        for (int number = 0; number != count; ++number) {
            co_await client.notify("note", note);
        }
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        CHECK(notes == count);
        CHECK(relay.connections() == 1);
    });
}

TEST_CASE("a request of which a part was written when its connection broke is sent again over the next") {
    int handled = 0;
    Routes routes;
    routes.add("size", [&](const std::string& text) {
        ++handled;
        return text.size();
    });
    Linked linked(routes);

    linked.run({.ends_at = 2 * mebibyte}, {}, [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
        const std::string text(24 * mebibyte, 's');
        CHECK_AWAITED(text.size(), client.request<std::size_t>("size", text, {.timeout = std::nullopt}));
        CHECK(handled == 1);
        CHECK(relay.connections() == 2);
    });
}

TEST_CASE("an answer of which a part was written when its connection broke is sent again over the next") {
    int handled = 0;
    Routes routes;
    routes.add("make", [&](std::size_t size) {
        ++handled;
        return std::string(size, 'm');
    });
    Linked linked(routes);

    linked.run({}, {.ends_at = 2 * mebibyte}, [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
        const auto made = co_await client.request<std::string>("make", 24 * mebibyte, {.timeout = std::nullopt});
        CHECK(made.size() == 24 * mebibyte);
        CHECK(handled == 1);
        CHECK(relay.connections() == 2);
    });
}

TEST_CASE("requests that were lost on their way end as soon as both sides have met again, without a deadline too") {
    const bool lost_up = GENERATE(true, false);
    CAPTURE(lost_up);
    int handled = 0;
    Routes routes;
    routes.add("echo", [&](int number) {
        ++handled;
        return number;
    });
    Linked linked(routes);
    constexpr std::size_t hello = 1000;  // more than that, less than the requests
    const Passage losing{.drops_at = hello};

    linked.run(lost_up ? losing : Passage{}, lost_up ? Passage{} : losing,
               [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
                   constexpr int count = 64;
                   std::vector<std::optional<std::error_code>> ended(count);
                   for (int number = 0; number != count; ++number) {
                       auto& end = ended[static_cast<std::size_t>(number)];
                       client.request<int>("echo", number, {.timeout = std::nullopt},
                                           [&end](const std::exception_ptr& failure, int) {
                                               end = failure ? Error::from(failure).code : std::error_code();
                                           });
                   }
                   co_await test::until([&] { return relay.dropped() > (lost_up ? 2000 : 1000); });
                   relay.cut();
                   co_await test::until([&] {
                       return std::all_of(ended.begin(), ended.end(), [](const auto& end) { return end.has_value(); });
                   });
                   const auto lost = std::count(ended.begin(), ended.end(), errc::connection_lost);
                   CHECK(lost > 10);
                   CHECK(std::count(ended.begin(), ended.end(), std::error_code()) == count - lost);
                   CHECK(handled <= count);
                   CHECK_AWAITED(7, client.request<int>("echo", 7));
               });
}

TEST_CASE("idempotent requests that were lost on their way are sent again") {
    Routes routes;
    routes.add("echo", [&](int number) { return number; });
    Linked linked(routes);

    linked.run({.drops_at = 1000}, {}, [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
        constexpr int count = 64;
        int right = 0;
        for (int number = 0; number != count; ++number) {
            client.request<int>("echo", number, {.timeout = std::nullopt, .idempotent = true},
                                [&right, number](const std::exception_ptr& failure, int answer) {
                                    right += !failure && answer == number ? 1 : 0;
                                });
        }
        co_await test::until([&] { return relay.dropped() > 2000; });
        relay.cut();
        co_await test::until([&] { return right == count; });
    });
}

TEST_CASE("a request that is at work while its connection is lost is waited for, and answered over the next") {
    bool begun = false;
    test::Event go;
    Routes routes;
    routes.add("wait", [&](int number) -> asio::awaitable<int> {
        begun = true;
        co_await go.wait();
        co_return number;
    });
    Linked linked(routes);

    linked.run({}, {}, [&](Client& client, Server&, Relay& relay) -> asio::awaitable<void> {
        std::optional<int> answer;
        client.request<int>("wait", 7, {.timeout = std::nullopt},
                            [&](const std::exception_ptr&, int number) { answer = number; });
        co_await test::until([&] { return begun; });
        relay.cut();
        co_await test::until([&] { return relay.connections() == 2 && client.is_connected(); });
        go.set();
        co_await test::until([&] { return answer.has_value(); });
        CHECK(answer == 7);
    });
}

}  // namespace slow_links
