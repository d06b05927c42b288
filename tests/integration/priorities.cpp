// Requests and notifications of several priorities, more than a connection takes at once.
#include "support/pair.hpp"
#include "support/relay.hpp"

#include <algorithm>

namespace priorities {

using communica::Priority;
using test::Relay;
using test::RoutePair;
using test::Routes;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

/// As bytes: the sanitizers would take a minute for as much JSON.
constexpr communica::Route<std::string(std::string), communica::BytesSerializer> note{"note"};

/// A handler that notes the first arrival of each name, which is the text up to a space.
Routes noting(Names& arrived) {
    Routes routes;
    routes.add(note, [&arrived](const std::string& text) {
        const std::string name = text.substr(0, text.find(' '));
        if (std::ranges::find(arrived, name) == arrived.end()) {
            arrived.push_back(name);
        }
        return std::string();
    });
    return routes;
}

constexpr int normal_count = 40;
constexpr int other_count = 5;
constexpr std::size_t size = 100'000;
/// As many normal ones as a connection queues at most.
constexpr std::ptrdiff_t queued = communica::Room::high_watermark / size + 1;

/// Starts the requests and notifications, without suspending: the normal ones, the low ones, the high ones. Completes
/// when all have.
template <class Client>
asio::awaitable<void> send_all(asio::io_context& context, const Client& client, bool notifications) {
    int left = normal_count + 2 * other_count;
    asio::steady_timer done(context, test::patience);
    const auto send = [&](Priority priority, std::string name) {
        communica::RequestOptions options;
        options.priority = priority;
        options.idempotent = true;
        name += ' ';
        name.resize(size);
        const auto end = [&left, &done](const std::exception_ptr& error) {
            CHECK_FALSE(error);
            if (--left == 0) {
                done.cancel();
            }
        };
        if (notifications && left % 2 == 0) {
            client.notify(note, name, options, end);
        } else {
            client.request(note, name, options,
                           [end](const std::exception_ptr& error, const std::string&) { end(error); });
        }
    };
    for (int number = 0; number != normal_count; ++number) {
        send(Priority::normal, "n" + std::to_string(10 + number));
    }
    for (int number = 0; number != other_count; ++number) {
        send(Priority::low, "l" + std::to_string(10 + number));
    }
    for (int number = 0; number != other_count; ++number) {
        send(Priority::high, "h" + std::to_string(10 + number));
    }
    co_await done.async_wait(communica::no_throw);
    CHECK(left == 0);
}

/// The names with this letter, in the order in which they arrived.
Names of(char letter, const Names& names) {
    Names chosen;
    std::ranges::copy_if(names, std::back_inserter(chosen), [letter](const auto& name) { return name[0] == letter; });
    return chosen;
}

void check(const Names& arrived) {
    INFO(nlohmann::json(arrived).dump());
    CHECK(of('n', arrived).size() == normal_count);
    for (const char letter : {'h', 'n', 'l'}) {
        CHECK(std::ranges::is_sorted(of(letter, arrived)));
    }
    REQUIRE(of('h', arrived).size() == other_count);
    CHECK(std::ranges::find(arrived, of('h', arrived).back()) - arrived.begin() < queued + other_count);
    CHECK(std::ranges::equal(of('l', arrived), std::ranges::subrange(arrived.end() - other_count, arrived.end())));
}

}  // namespace

TEST_CASE("of what waits for a full connection the high goes first and the low last, in either direction") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Names at_server;
    Names at_client;
    RoutePair pair(transport, noting(at_server), noting(at_client));
    pair.run([&]() -> asio::awaitable<void> {
        co_await send_all(pair.context, pair.client(), false);
        check(at_server);
        co_await send_all(pair.context, pair.server.client(pair.client().client_id()), false);
        check(at_client);
    });
}

TEST_CASE("notifications and requests of one priority keep their order, and a flush is behind all") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Names arrived;
    RoutePair pair(transport, noting(arrived));
    pair.run([&]() -> asio::awaitable<void> {
        co_await send_all(pair.context, pair.client(), true);
        co_await pair.client().flush();
        check(arrived);
    });
}

TEST_CASE("the order by priority outlasts a connection that is lost amid it") {
    const auto ends_at = GENERATE(std::size_t{150'000}, std::size_t{1'500'000}, std::size_t{3'900'000});
    CAPTURE(ends_at);
    Names arrived;
    asio::io_context context;
    communica::RouteServer<communica::TcpConnector> server(context, {"127.0.0.1", 0}, noting(arrived));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Relay relay(context, server.connector_state(), {.ends_at = ends_at});
        communica::RouteClient<communica::TcpConnector> client(context, relay.connector(), {}, test::quick_client());
        co_await client.connect();
        co_await send_all(context, client, false);
        CHECK(relay.connections() == 2);
        check(arrived);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace priorities
