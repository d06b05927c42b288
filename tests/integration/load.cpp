// Much at once between processes.
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"

namespace load {

using communica::AnyConnector;
using test::in_order;
using test::Process;
using test::Transport;

namespace {

using Client = communica::RouteClient<AnyConnector>;
using Server = communica::RouteServer<AnyConnector>;

auto process_transports() { return Catch::Generators::values({Transport::tcp, Transport::local}); }

std::string state_for(Transport transport, const test::TemporaryDirectory& directory) {
    return transport == Transport::tcp
               ? communica::TcpConnector("127.0.0.1", 0).dump_state()
               : communica::LocalConnector("load", {.directory = directory.path()}).dump_state();
}

/// A server in a process of its own, and a client of it here.
struct Loaded {
    explicit Loaded(Transport transport, std::size_t max_frame = communica::Limits().max_frame)
        : process("serving", {state_for(transport, directory), std::to_string(max_frame)}) {
        auto options = test::quick_client();
        options.limits.max_frame = max_frame;
        client.emplace(context, AnyConnector::load_state(process.expect("READY")), routes(), options);
    }

    communica::RouteTable<> routes() {
        auto table = test::mixed_routes(notes);
        table.add("goal", [this] { return goal; });
        return table;
    }

    template <class Body>
    void run(Body body) {
        test::run(
            context,
            [&]() -> asio::awaitable<void> {
                co_await client->connect();
                co_await body();
                co_await client->close();
            },
            2 * test::patience);
        test::run_out(context);
        process.end_input();
        CHECK(process.wait() == in_order);
    }

    test::TemporaryDirectory directory;
    Process process;
    asio::io_context context;
    int notes = 0;
    int goal = 0;
    std::optional<Client> client;
};

}  // namespace

TEST_CASE("a thousand requests are under way at once on one connection") {
    const auto transport = GENERATE(process_transports());
    CAPTURE(transport);
    Loaded loaded(transport);
    loaded.goal = 1000;  // the server answers none before it has them all
    int right = 0;

    loaded.run([&]() -> asio::awaitable<void> {
        test::Event all;
        int left = loaded.goal;
        for (int number = 0; number != loaded.goal; ++number) {
            const communica::RequestOptions options{.timeout = test::patience};
            loaded.client->request<int>("gather", number, options, [&, number](std::exception_ptr failure, int answer) {
                right += !failure && answer == number ? 1 : 0;
                if (--left == 0) {
                    all.set();
                }
            });
        }
        co_await all.wait();
    });
    CHECK(right == 1000);
}

TEST_CASE("a hundred clients of ten processes are served at once") {
    const auto transport = GENERATE(process_transports());
    CAPTURE(transport);
    const test::TemporaryDirectory directory;
    asio::io_context context;
    int notes = 0;
    Server server(context, AnyConnector::load_state(state_for(transport, directory)), test::mixed_routes(notes));
    std::vector<Process> processes;

    test::run(
        context,
        [&]() -> asio::awaitable<void> {
            co_await server.start();
            for (int number = 0; number != 10; ++number) {
                processes.emplace_back(
                    "asking", std::vector<std::string>{server.connector_state(), "process-" + std::to_string(number),
                                                       "10", "20"});
            }
            co_await test::until([&] { return server.client_ids().size() == 100; });
            for (int number = 0; number != 100; ++number) {
                auto client =
                    server.client("process-" + std::to_string(number / 10) + "-" + std::to_string(number % 10));
                CHECK_AWAITED(processes[static_cast<std::size_t>(number / 10)].id(),
                              client.request<int>("pid", nullptr));
            }
            CHECK_AWAITED(100U, server.notify_all("note", 1));
            co_await test::until([&] { return notes == 400; });
            for (auto& process : processes) {
                process.end_input();
            }
            co_await test::until([&] { return server.client_ids().empty(); });
            co_await server.close();
        },
        2 * test::patience);
    test::run_out(context);
    for (auto& process : processes) {
        CHECK(process.expect("DONE") == "200");
        CHECK(process.wait() == in_order);
    }
}

TEST_CASE("messages of 16 MiB go each way, whole or in chunks") {
    const auto transport = GENERATE(process_transports());
    const auto max_frame = GENERATE(communica::Limits().max_frame, std::size_t{100'000}, std::size_t{1000});
    CAPTURE(transport, max_frame);
    constexpr std::size_t size = 16 * 1024 * 1024;
    Loaded loaded(transport, max_frame);

    loaded.run([&]() -> asio::awaitable<void> {
        std::string text(size, 'c');
        for (std::size_t at = 0; at < size; at += 1009) {
            text[at] = static_cast<char>('0' + at % 10);
        }
        const communica::RequestOptions options{.timeout = test::patience};
        const auto echo = co_await loaded.client->request<std::string>("echo", text, options);
        CHECK((echo == text));
        CHECK_AWAITED(true, loaded.client->request<bool>("send me", size, options));
        CHECK_AWAITED(1, loaded.client->request<int>("echo", 1));
    });
}

TEST_CASE("ten thousand mixed requests go both ways at once, and each is answered as it should be") {
    const auto transport = GENERATE(process_transports());
    CAPTURE(transport);
    Loaded loaded(transport);

    loaded.run([&]() -> asio::awaitable<void> {
        std::optional<int> right_there;
        const communica::RequestOptions options{.timeout = 2 * test::patience};
        loaded.client->request<int>("ask me", 5000, options,
                                    [&](std::exception_ptr, int right) { right_there = right; });
        CHECK_AWAITED(5000, test::ask_mixed(*loaded.client, 5000));
        co_await test::until([&] { return right_there.has_value(); });
        CHECK(right_there == 5000);
        CHECK_AWAITED(1000, loaded.client->request<int>("notes", nullptr));
        CHECK(loaded.notes == 1000);
    });
}

}  // namespace load
