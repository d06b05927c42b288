// Two processes and more: the other side is a program of its own.
#include "support/endless_streams.hpp"
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/system.hpp"

namespace processes {

using communica::AnyConnector;
using communica::errc;
using communica::Error;
using test::error_of;
using test::in_order;
using test::Process;
using test::Routes;
using test::Transport;
using namespace std::chrono_literals;

namespace {

using Client = communica::RouteClient<AnyConnector>;
using Server = communica::RouteServer<AnyConnector>;

auto process_transports() { return Catch::Generators::values({Transport::tcp, Transport::local}); }

/// Where a server can listen, as a state that processes hand each other.
class Place {
 public:
    explicit Place(Transport transport)
        : state_(transport == Transport::tcp
                     ? communica::TcpConnector("127.0.0.1", 0).dump_state()
                     : communica::LocalConnector("place", {.directory = directory_.path()}).dump_state()) {}

    const std::string& state() const noexcept { return state_; }
    AnyConnector connector() const { return AnyConnector::load_state(state_); }

 private:
    test::TemporaryDirectory directory_;
    std::string state_;
};

}  // namespace

TEST_CASE("a client talks to a server in another process") {
    const auto transport = GENERATE(process_transports());
    CAPTURE(transport);
    const Place place(transport);
    Process process("serving", {place.state()});
    const auto connector = AnyConnector::load_state(process.expect("READY"));
    asio::io_context context;
    int notes = 0;
    Client client(context, connector, test::mixed_routes(notes), test::quick_client());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        const nlohmann::json value{{"text", "\u00e4"}, {"list", {1, 2.5, nullptr}}};
        CHECK_AWAITED(value, client.request("echo", value));
        CHECK_AWAITED(process.id(), client.request<std::int64_t>("pid", nullptr));
        co_await client.notify("note", 1);
        CHECK_AWAITED(1, client.request<int>("notes", nullptr));
        CHECK_AWAITED(10, client.request<int>("ask me", 10));
        CHECK(notes == 2);
        co_await client.close();
    });
    test::run_out(context);
    process.end_input();
    CHECK(process.wait() == in_order);
}

TEST_CASE("over a local socket each side knows the other's process") {
    const Place place(Transport::local);
    Process serving("serving", {place.state()});
    serving.expect("READY");
    const Place own(Transport::local);
    asio::io_context context;
    communica::Credentials seen;
    int notes = 0;
    Routes routes = test::mixed_routes(notes);
    routes.add("seen", [&](communica::Context& about) { seen = about.credentials(); });

    test::run(context, [&]() -> asio::awaitable<void> {
        Client client(context, place.connector(), test::quick_client());
        co_await client.connect();
        CHECK_AWAITED(test::own_process_id(), client.request<std::int64_t>("caller", nullptr));
        co_await client.close();

        Server server(context, own.connector(), routes);
        co_await server.start();
        Process asking("asking", {own.state(), "child", "1", "0"});
        CHECK_AWAITED(asking.id(), server.client("child-0").request<std::int64_t>("pid", nullptr));
        co_await server.client("child-0").request("tell", "seen");
        CHECK(seen.pid == asking.id());
        CHECK(seen.is_same_user(test::own_credentials()));
        co_await server.close();
    });
}

TEST_CASE("a child process loads the connector that its parent dumped") {
    const auto transport = GENERATE(Transport::tcp, Transport::local, Transport::descriptors);
    CAPTURE(transport);
    asio::io_context context;
    int notes = 0;
    const Place place(transport);
    std::optional<Process> child;
    std::optional<Server> server;

    test::run(context, [&]() -> asio::awaitable<void> {
        if (transport == Transport::descriptors) {
            const auto [own_end, childs_end] = test::stream_pair();
            server.emplace(context, communica::DescriptorConnector(own_end), test::mixed_routes(notes));
            const communica::DescriptorConnector childs(childs_end);  // closes the parent's copy at the end
            child.emplace("asking", std::vector<std::string>{childs.dump_state(), "child", "1", "10"},
                          test::ProcessOptions{.inherited = childs_end});
            co_await server->start();
        } else {
            server.emplace(context, place.connector(), test::mixed_routes(notes));
            co_await server->start();
            child.emplace("asking", std::vector<std::string>{server->connector_state(), "child", "1", "10"});
        }
        CHECK_AWAITED(child->id(), server->client("child-0").request<std::int64_t>("pid", nullptr));
        co_await test::until([&] { return notes == 2; });
        CHECK_AWAITED(50, test::ask_mixed(*server, 50));
        child->end_input();
        co_await test::until([&] { return server->client_ids().empty(); });
        co_await server->close();
    });
    test::run_out(context);
    CHECK(child->expect("DONE") == "10");
    CHECK(child->wait() == in_order);
}

TEST_CASE("a client outlives its server's sudden death, and works with the next server") {
    const auto transport = GENERATE(process_transports());
    CAPTURE(transport);
    const Place place(transport);
    std::optional<Process> process(std::in_place, "serving", std::vector<std::string>{place.state()});
    const std::string state = process->expect("READY");
    asio::io_context context;
    int notes = 0;
    communica::ClientOptions options = test::quick_client();
    options.resume_window = 50ms;
    Client client(context, AnyConnector::load_state(state), test::mixed_routes(notes), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        for (int round = 0; round != 3; ++round) {
            std::optional<std::error_code> sent;
            client.request<void>("late", nullptr,
                                 [&](std::exception_ptr failure) { sent = Error::from(failure).code; });
            CHECK_AWAITED(5, test::ask_mixed(client, 5));
            process->kill();
            CHECK(process->wait() == test::killed);
            co_await test::until([&] { return !client.is_connected(); });
            std::optional<int> waiting;
            client.request<int>("echo", round, [&](std::exception_ptr, int answer) { waiting = answer; });
            co_await test::until([&] { return sent.has_value(); });
            CHECK(*sent == errc::connection_lost);

            process.emplace("serving", std::vector<std::string>{state});
            process->expect("READY");
            co_await client.wait_connected();
            co_await test::until([&] { return waiting.has_value(); });
            CHECK(waiting == round);
            CHECK_AWAITED(process->id(), client.request<std::int64_t>("pid", nullptr));
            CHECK_AWAITED(5, client.request<int>("ask me", 5));
        }
        co_await client.close();
    });
    test::run_out(context);
    process->end_input();
    CHECK(process->wait() == in_order);
}

TEST_CASE("a server sees a client's sudden death, and another process can take its id") {
    const auto transport = GENERATE(process_transports());
    CAPTURE(transport);
    const Place place(transport);
    asio::io_context context;
    int notes = 0;
    Server server(context, place.connector(), test::mixed_routes(notes));

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        auto client = server.client("child-0");
        for (int round = 0; round != 3; ++round) {
            Process process("asking", {server.connector_state(), "child", "1", "10"});
            CHECK_AWAITED(process.id(), client.request<std::int64_t>("pid", nullptr));
            process.kill();
            CHECK(process.wait() == test::killed);
            co_await test::until([&] { return server.client_ids().empty(); });
        }
        co_await server.close();
    });
    test::run_out(context);
}

namespace {

constexpr int streams_of_a_kind = 17;  // in each direction: over 100 in all

/// Opens streams in both directions, and kills the other side once all of them flow.
template <class Asker>
asio::awaitable<void> stream_until_killed(Asker& asker, test::StreamsSeen& seen, Process& process) {
    seen = {};
    co_await asker.template request<void>("open streams", streams_of_a_kind);
    auto opening = test::open_endless(asker, seen, streams_of_a_kind);
    co_await std::move(opening);
    constexpr int all = 2 * test::StreamsSeen::kinds * streams_of_a_kind;
    co_await test::until([&] { return seen.flowing == all; });
    process.kill();
    CHECK(process.wait() == test::killed);
    co_await test::until([&] { return seen.running == 0; });
    CHECK(seen.ends[make_error_code(errc::connection_lost)] == all);
    CHECK(seen.ends.size() == 1);
}

/// So many streams of the peer, and none more: those of the round before are gone.
communica::Limits streams_of_one_round() {
    communica::Limits limits;
    limits.max_streams = test::StreamsSeen::kinds * streams_of_a_kind;
    return limits;
}

}  // namespace

TEST_CASE("a server that is killed amid a hundred streams ends each with an error, and subscriptions go on") {
    const Place place(Transport::local);
    std::optional<Process> process(std::in_place, "serving", std::vector<std::string>{place.state()});
    const std::string state = process->expect("READY");
    asio::io_context context;
    test::StreamsSeen seen;
    Routes routes;
    test::add_endless(routes, seen);
    communica::ClientOptions options = test::quick_client();
    options.limits = streams_of_one_round();
    options.counters = std::make_shared<communica::Counters>();
    Client client(context, AnyConnector::load_state(state), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        using Subscribed = communica::Subscription<int>;
        std::vector<Subscribed> subscriptions;
        std::vector<int> items(100);
        for (std::size_t number = 0; number != items.size(); ++number) {
            subscriptions.push_back(client.subscribe(test::endless_down));
        }
        for (std::size_t number = 0; number != items.size(); ++number) {
            const auto follow = [](Subscribed& subscription, int& count) -> asio::awaitable<void> {
                while (co_await subscription.next()) {
                    ++count;
                }
            };
            test::spawn(context, follow(subscriptions[number], items[number]));
        }
        for (int round = 0; round != 2; ++round) {
            auto streaming = stream_until_killed(client, seen, *process);
            co_await std::move(streaming);
            process.emplace("serving", std::vector<std::string>{state});
            process->expect("READY");
            co_await client.wait_connected();
            const std::vector<int> before = items;
            co_await test::until(
                [&] { return std::equal(items.begin(), items.end(), before.begin(), std::greater<>()); });
        }
        for (const Subscribed& subscription : subscriptions) {
            CHECK(subscription.gaps().unknown == 2);
        }
        CHECK(options.counters->at_work == 0);
        CHECK(options.counters->unsent == 0);
        subscriptions.clear();
        co_await client.close();
    });
    test::run_out(context);
    process->end_input();
    CHECK(process->wait() == in_order);
}

TEST_CASE("a client that is killed amid a hundred streams ends each with an error, and its server has none left") {
    const Place place(Transport::tcp);
    asio::io_context context;
    test::StreamsSeen seen;
    Routes routes;
    test::add_endless(routes, seen);
    communica::ServerOptions options;
    options.limits = streams_of_one_round();
    options.counters = std::make_shared<communica::Counters>();
    Server server(context, place.connector(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        auto client = server.client("child-0");
        for (int round = 0; round != 2; ++round) {
            Process process("asking", {server.connector_state(), "child", "1", "0"});
            auto streaming = stream_until_killed(client, seen, process);
            co_await std::move(streaming);
            co_await test::until([&] { return server.client_ids().empty(); });
            CHECK(options.counters->at_work == 0);
            CHECK(options.counters->unsent == 0);
        }
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace processes
