// Bodies in memory that a connection lends: in place, given back, after the end of either side, and with a hostile peer.
#include "support/errors.hpp"
#include "support/frames.hpp"
#include "support/process.hpp"
#include "support/run.hpp"
#include "support/scripted_peer.hpp"
#include "support/shared_memory_stranger.hpp"
#include "support/system.hpp"
#include "support/temporary_directory.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/memory.hpp>
#include <communica/connectors/shared_memory.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <stop_token>
#include <thread>

#include <signal.h>

namespace lent_bodies {

using communica::Buffer;
using communica::BytesSerializer;
using communica::errc;
using communica::Error;
using communica::SharedMemoryConnector;
using communica::SharedMemoryOptions;
using communica::detail::LentSegments;
using communica::detail::OwnedDescriptor;
using communica::detail::SealedMemory;
using communica::wire::FrameCode;
using communica::wire::LentHead;
using communica::wire::SegmentNotice;
using test::mapped;
using test::open_descriptors;
using test::Process;
using test::Stranger;
using namespace std::chrono_literals;

namespace {

using Client = communica::SimpleClient<SharedMemoryConnector, BytesSerializer>;
using Server = communica::SimpleServer<SharedMemoryConnector, BytesSerializer>;

constexpr std::size_t large = 1024 * 1024;

/// A serializer that would parse: it says nothing of memory that the peer may change.
struct Parsing {
    void dump(communica::Nothing, Buffer&) const {}
    void dump(const Buffer& value, Buffer& out) const { out.append(value.bytes()); }
    template <std::same_as<Buffer> T>
    T load(communica::Bytes bytes) const {
        return BytesSerializer().load<Buffer>(bytes);
    }
    template <std::same_as<Buffer> T>
    T load(Buffer&& bytes) const {
        return std::move(bytes);
    }
};

SharedMemoryConnector connector_in(const test::TemporaryDirectory& directory,
                                   std::size_t max_lent = SharedMemoryOptions().max_lent) {
    SharedMemoryOptions options;
    options.max_lending_connections = 2;
    options.local.directory = directory.path();
    options.ring_size = 64 * 1024;
    options.max_lent = max_lent;
    return SharedMemoryConnector("lent", options);
}

template <class Peer>
asio::awaitable<Buffer> filled(const Peer& peer, std::size_t size, char mark) {
    Buffer body = co_await peer.lend(size);
    std::fill_n(body.data(), body.size(), mark);
    co_return body;
}

bool is_all(const Buffer& body, std::size_t size, char mark) {
    return body.size() == size && body.text().find_first_not_of(mark) == std::string_view::npos;
}

asio::awaitable<void> until_mapped(int count) {
    const auto patience_ends = std::chrono::steady_clock::now() + test::patience;
    while (mapped().count != count) {
        REQUIRE(std::chrono::steady_clock::now() < patience_ends);
        asio::steady_timer pause(co_await asio::this_coro::executor, 5ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

/// A server in this process, and how its connections end.
template <class Handler>
struct Serving {
    explicit Serving(Handler handler, std::size_t max_lent = SharedMemoryOptions().max_lent)
        : server(context, connector_in(directory, max_lent), handler, {}, options()) {}

    communica::ServerOptions options() {
        communica::ServerOptions made;
        made.log = [](communica::LogLevel, std::string_view) {};
        made.limits.liveness_timeout = 1s;  // it looks every fifth of that
        made.on_disconnect = [this](const std::string&, const Error& why) {
            endings.push_back(why);
            ended.set();
        };
        return made;
    }

    /// Runs `body` while it listens. Nothing is mapped or open afterwards.
    template <class Body>
    void run(Body body) {
        const std::size_t descriptors = open_descriptors();
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await body();
            co_await server.close();
        });
        test::run_out(context);
        CHECK(open_descriptors() <= descriptors);
        CHECK(mapped().count == 0);
    }

    std::vector<Error> endings;
    test::Event ended;
    test::TemporaryDirectory directory;
    asio::io_context context;
    Server server;
};

}  // namespace

TEST_CASE("a lent body is read and answered in its own memory, and used again") {
    const void* at_server = nullptr;
    Serving serving([&](Buffer body) {
        CHECK(body.is_lent());
        at_server = body.data();
        body.data()[0] = 'A';
        return body;
    });
    serving.run([&]() -> asio::awaitable<void> {
        Client client(serving.context, connector_in(serving.directory));
        Buffer early = co_await client.lend(large);
        CHECK_FALSE(early.is_lent());  // there is no connection
        co_await client.connect();
        Buffer body = co_await filled(client, large, 'b');
        REQUIRE(body.is_lent());
        CHECK(body.size() == large);
        const void* const sent = body.data();
        for (int round = 0; round != 100; ++round) {
            body.data()[0] = 'b';
            body = co_await client.request<Buffer>(std::move(body));
            CHECK(body.is_lent());
            CHECK(body.data() == sent);
            CHECK(body.data()[0] == 'A');
            CHECK(body.data()[large - 1] == 'b');
        }
        CHECK(at_server != sent);  // mapped twice, as this process is both sides
        CHECK(mapped().count == 4);
        body.release();
        Buffer again = co_await client.lend(large - 1);
        CHECK(again.data() == sent);
        Buffer other = co_await client.lend(large);
        CHECK(other.data() != sent);
        Buffer small = co_await client.lend(LentSegments::smallest - 1);
        CHECK_FALSE(small.is_lent());
        co_await client.close();
        std::fill_n(again.data(), again.size(), 'x');  // still memory
    });
}

TEST_CASE("a part of a lent body arrives as that part") {
    Serving serving([](Buffer body) {
        body.drop_front(10);
        body.truncate(body.size() - 5);
        return body;
    });
    serving.run([&]() -> asio::awaitable<void> {
        Client client(serving.context, connector_in(serving.directory));
        co_await client.connect();
        Buffer body = co_await filled(client, 100'000, 'p');
        body.data()[20] = 'q';
        body.drop_front(5);
        const Buffer part = co_await client.request<Buffer>(std::move(body));
        CHECK(part.is_lent());
        CHECK(part.size() == 100'000 - 20);
        CHECK(part.data()[5] == 'q');
        Buffer grown = co_await filled(client, 70'000, 'g');
        grown.append(std::string(100'000, 'g'));  // more than the memory
        CHECK_FALSE(grown.is_lent());
        CHECK(is_all(grown, 170'000, 'g'));
        co_await client.close();
    });
}

TEST_CASE("memory that the other side drops comes back") {
    Serving serving([](communica::Bytes body) { return std::to_string(body.size()); });
    serving.run([&]() -> asio::awaitable<void> {
        Client client(serving.context, connector_in(serving.directory, 2 * large));
        co_await client.connect();
        int lent = 0;
        for (int round = 0; round != 50; ++round) {
            Buffer body = co_await filled(client, large, 'd');
            lent += body.is_lent() ? 1 : 0;
            const auto size = co_await client.request<std::string>(std::move(body));
            CHECK(size == std::to_string(large));
        }
        CHECK(lent == 50);
        CHECK(mapped().count <= 2 + 2 * 2);
        co_await client.close();
    });
}

TEST_CASE("over the limit a body is memory of the heap, and what is free makes room for another size") {
    Serving serving([](Buffer body) { return body; }, 2 * large);
    serving.run([&]() -> asio::awaitable<void> {
        Client client(serving.context, connector_in(serving.directory));
        co_await client.connect();
        Buffer first = co_await filled(client, large, '1');
        Buffer second = co_await filled(client, large, '2');
        Buffer third = co_await filled(client, large, '3');
        CHECK(second.is_lent());
        CHECK_FALSE(third.is_lent());
        third = co_await client.request<Buffer>(std::move(third));
        CHECK(is_all(third, large, '3'));
        first.release();
        second.release();
        Buffer whole = co_await filled(client, 2 * large, 'w');
        CHECK_FALSE(whole.is_lent());  // not before the other side has unmapped the free ones
        const auto patience_ends = std::chrono::steady_clock::now() + test::patience;
        while (!whole.is_lent()) {
            REQUIRE(std::chrono::steady_clock::now() < patience_ends);
            Buffer note = co_await client.request<Buffer>(Buffer());
            whole = co_await filled(client, 2 * large, 'w');
        }
        whole = co_await client.request<Buffer>(std::move(whole));
        CHECK(is_all(whole, 2 * large, 'w'));
        co_await client.close();
    });
}

TEST_CASE("nothing is lent if either side says so, and the same code works") {
    for (const auto& [at_server, at_client] : {std::pair{std::size_t{0}, large}, std::pair{large, std::size_t{0}}}) {
        Serving serving([](Buffer body) { return body; }, at_server);
        serving.run([&]() -> asio::awaitable<void> {
            Client client(serving.context, connector_in(serving.directory, at_client));
            co_await client.connect();
            Buffer body = co_await filled(client, large, 'n');
            CHECK_FALSE(body.is_lent());
            body = co_await client.request<Buffer>(std::move(body));
            CHECK(is_all(body, large, 'n'));
            co_await client.close();
        });
    }
}

TEST_CASE("a connection over the server's limit on those that lend has no lent memory until another ends") {
    Serving serving([](Buffer body) { return body; });
    serving.run([&]() -> asio::awaitable<void> {
        std::vector<std::unique_ptr<Client>> clients;
        const auto connect = [&]() -> asio::awaitable<bool> {
            Client& client =
                *clients.emplace_back(std::make_unique<Client>(serving.context, connector_in(serving.directory)));
            co_await client.connect();
            Buffer body = co_await filled(client, large, 'p');
            const bool is_lent = body.is_lent();
            body = co_await client.template request<Buffer>(std::move(body));
            CHECK(is_all(body, large, 'p'));
            CHECK(body.is_lent() == is_lent);
            co_return is_lent;
        };
        CHECK_AWAITED(true, connect());
        CHECK_AWAITED(true, connect());
        CHECK_AWAITED(false, connect());
        co_await clients.front()->close();
        clients.erase(clients.begin());
        while (serving.endings.empty()) {
            co_await serving.ended.wait();
        }
        const auto patience_ends = std::chrono::steady_clock::now() + test::patience;
        while (!co_await connect()) {  // the connection that has ended may still exist
            REQUIRE(std::chrono::steady_clock::now() < patience_ends);
            co_await clients.back()->close();
            clients.pop_back();
        }
        for (const auto& client : clients) {
            co_await client->close();
        }
    });
}

TEST_CASE("the same code copies over other transports, by a typed route and by name") {
    const communica::Route<Buffer(Buffer), BytesSerializer> echo("echo");
    asio::io_context context;
    const communica::MemoryConnector memory;
    communica::RouteTable<BytesSerializer> routes;
    int notes = 0;
    routes.add(echo, [](Buffer body) { return body; });
    routes.add("note", [&notes](Buffer) { ++notes; });
    communica::RouteServer<communica::MemoryConnector, BytesSerializer> server(context, memory, routes);
    communica::RouteClient<communica::MemoryConnector, BytesSerializer> client(context, memory);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        Buffer body = co_await client.lend(large);
        CHECK_FALSE(body.is_lent());
        std::fill_n(body.data(), body.size(), 'm');
        const void* const sent = body.data();
        body = co_await client.request(echo, std::move(body));
        CHECK(body.data() == sent);  // moved
        body = co_await client.request<Buffer>("echo", std::move(body), communica::RequestOptions());
        CHECK(is_all(body, large, 'm'));
        auto answer = co_await client.try_request(echo, std::move(body));
        CHECK(is_all(*answer, large, 'm'));
        co_await client.notify("note", *std::move(answer));
        co_await test::until([&] { return notes == 1; });
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("idle memory goes back to the system, on both sides") {
    Serving serving([](Buffer body) { return body; });
    serving.run([&]() -> asio::awaitable<void> {
        communica::ClientOptions options;
        options.limits.liveness_timeout = 1s;
        Client client(serving.context, connector_in(serving.directory), options);
        co_await client.connect();
        Buffer body = co_await filled(client, large, 'i');
        Buffer unsent = co_await filled(client, large, 'u');
        body = co_await client.request<Buffer>(std::move(body));
        CHECK(mapped().count == 5);  // two rings, one segment twice, and one that the server has not asked for
        body.release();
        unsent.release();
        co_await until_mapped(2);
        body = co_await filled(client, large, 'i');
        CHECK(body.is_lent());
        body = co_await client.request<Buffer>(std::move(body));
        CHECK(is_all(body, large, 'i'));
        co_await client.close();
    });
}

TEST_CASE("a value is parsed from a copy, so that the other side can't change it meanwhile") {
    test::TemporaryDirectory directory;
    asio::io_context context;
    communica::RouteTable<> routes;
    routes.add("length", [](const std::string& text) { return text.size(); });
    routes.add(
        "parsed",
        [](Buffer body) {
            CHECK_FALSE(body.is_lent());
            return body;
        },
        Parsing());
    routes.add("raw", [](Buffer body) { return body; }, BytesSerializer());
    routes.add(
        "make",
        [](Buffer, communica::Context& asked) {
            Buffer body = asked.lend(large);
            CHECK(body.is_lent());
            std::fill_n(body.data(), body.size(), 'm');
            return body;
        },
        BytesSerializer());
    communica::RouteServer server(context, connector_in(directory), routes);
    communica::RouteClient client(context, connector_in(directory));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        const auto raw = client.with(BytesSerializer());
        Buffer body = co_await raw.lend(100'000);
        REQUIRE(body.is_lent());
        std::fill_n(body.data(), body.size(), 'v');
        body.data()[0] = body.data()[body.size() - 1] = '"';
        const auto length = co_await raw.request<std::string>("length", std::move(body));
        CHECK(length == "99998");
        body = co_await filled(raw, large, 'p');
        body = co_await raw.request<Buffer>("parsed", std::move(body));
        CHECK(is_all(body, large, 'p'));
        body = co_await filled(raw, large, 'a');
        const auto lent = co_await raw.request<Buffer>("raw", std::move(body));
        CHECK(lent.is_lent());
        const auto answer = co_await client.with(Parsing()).request<Buffer>("make", Buffer());
        CHECK_FALSE(answer.is_lent());
        CHECK(is_all(answer, large, 'm'));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(mapped().count == 0);
}

TEST_CASE("a handler writes its answer in place, and a server's client is lent memory, too") {
    Serving serving([](const std::string& text, communica::Context& asked) {
        Buffer answer = asked.lend(large);
        CHECK(answer.is_lent());
        std::fill_n(answer.data(), answer.size(), text.front());
        return answer;
    });
    serving.run([&]() -> asio::awaitable<void> {
        communica::ClientOptions options;
        options.client_id = "lender";
        Client client(
            serving.context, connector_in(serving.directory), [](Buffer body) { return body; }, BytesSerializer(),
            options);
        co_await client.connect();
        for (int round = 0; round != 20; ++round) {
            const Buffer answer = co_await client.request<Buffer>(std::string_view("s"));
            CHECK(answer.is_lent());
            CHECK(is_all(answer, large, 's'));
        }
        const auto peer = serving.server.client("lender");
        Buffer body = co_await peer.lend(large);
        CHECK(body.is_lent());
        std::fill_n(body.data(), body.size(), 'c');
        body = co_await peer.request<Buffer>(std::move(body));
        CHECK(is_all(body, large, 'c'));
        co_await client.close();
    });
}

TEST_CASE("a body over the receiver's limit is refused, and its memory comes back") {
    test::TemporaryDirectory directory;
    asio::io_context context;
    communica::ServerOptions options;
    options.limits.max_message = large / 2;
    options.log = [](communica::LogLevel, std::string_view) {};
    Server server(context, connector_in(directory), [](Buffer body) { return body; }, {}, options);
    Client client(context, connector_in(directory, large));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        for (int round = 0; round != 3; ++round) {
            Buffer body = co_await filled(client, large, 'o');
            CHECK(body.is_lent());
            const auto answer = co_await client.try_request<Buffer>(std::move(body));
            CHECK(answer.error().code == errc::message_too_large);
        }
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("a request that waits or is repeated after its connection was lost arrives whole") {
    const test::TemporaryDirectory directory;
    const auto connector = connector_in(directory);
    asio::io_context context;
    communica::ClientOptions options;
    options.backoff = communica::BackoffOptions{.first = 2ms, .most = 20ms};
    Client client(context, connector, options);
    std::optional<Process> serving(std::in_place, "borrowing", std::vector<std::string>{connector.dump_state()});
    serving->expect("READY");
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        for (int round = 0; round != 10; ++round) {
            Buffer kept = co_await filled(client, large, 'k');
            CHECK(kept.is_lent());
            std::vector<std::optional<communica::Result<Buffer>>> answers(8);
            REQUIRE(::kill(static_cast<::pid_t>(serving->id()), SIGSTOP) == 0);
            for (auto& answer : answers) {
                Buffer body = co_await filled(client, large, 'r');
                const communica::RequestOptions again{.idempotent = true};
                client.try_request<Buffer>(std::move(body), again,
                                           [&answer](communica::Result<Buffer> result) { answer = std::move(result); });
                CHECK(body.empty());  // NOLINT(bugprone-use-after-move): moved from, as promised
            }
            serving->kill();
            serving->wait();
            serving.emplace("borrowing", std::vector<std::string>{connector.dump_state()});
            serving->expect("READY");
            co_await test::until([&] {
                return std::all_of(answers.begin(), answers.end(), [](const auto& one) { return one.has_value(); });
            });
            for (const auto& answer : answers) {
                REQUIRE(answer->has_value());
                CHECK(is_all(**answer, large, 'r'));
            }
            kept = co_await client.request<Buffer>(std::move(kept));  // of the connection that was lost
            CHECK(is_all(kept, large, 'k'));
        }
        co_await client.close();
    });
    test::run_out(context);
    CHECK(mapped().count == 0);
    serving->end_input();
    CHECK(serving->wait() == test::in_order);
}

TEST_CASE("threads lend, send and drop at once") {
    asio::io_context context;
    test::TemporaryDirectory directory;
    Server server(context, connector_in(directory), [](Buffer body) { return body; });
    Client client(context, connector_in(directory, 4 * large));
    std::atomic<int> right = 0;
    const auto use = [&](int thread) -> asio::awaitable<void> {
        const char mark = static_cast<char>('a' + thread);
        for (int round = 0; round != 200; ++round) {
            Buffer dropped = co_await client.lend(50'000);
            Buffer body = co_await filled(client, 200'000, mark);
            const Buffer answer = co_await client.request<Buffer>(std::move(body));
            right += is_all(answer, 200'000, mark) ? 1 : 0;
        }
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        co_await test::run_on_threads(3, use);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(right == 600);
    CHECK(mapped().count == 0);
}

// ---- either side is stopped or killed -----------------------------------------------------------------------------------

namespace {

/// Kills the process, or stops it for a moment before it goes on or is killed.
asio::awaitable<void> disturb(Process& process, std::mt19937& random) {
    const auto id = static_cast<::pid_t>(process.id());
    asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::microseconds(random() % 5'000));
    co_await pause.async_wait(asio::use_awaitable);
    if (random() % 2 != 0) {
        REQUIRE(::kill(id, SIGSTOP) == 0);
        pause.expires_after(std::chrono::microseconds(random() % 20'000));
        co_await pause.async_wait(asio::use_awaitable);
        REQUIRE(::kill(id, SIGCONT) == 0);
        if (random() % 2 != 0) {
            pause.expires_after(std::chrono::microseconds(random() % 5'000));
            co_await pause.async_wait(asio::use_awaitable);
        }
    }
    process.kill();
    process.wait();
}

/// Returns a line about it.
std::string kill_servers(int rounds) {
    const test::TemporaryDirectory directory;
    const auto connector = connector_in(directory);
    asio::io_context context;
    communica::ClientOptions options;
    options.backoff = communica::BackoffOptions{.first = 2ms, .most = 20ms};
    std::optional<Client> client(std::in_place, context, connector, options);
    std::mt19937 random(24);
    const std::size_t descriptors = open_descriptors();
    int answered = 0;
    int lost = 0;
    std::optional<Process> serving(std::in_place, "borrowing", std::vector<std::string>{connector.dump_state()});
    serving->expect("READY");
    for (int round = 0; round != rounds; ++round) {
        bool is_over = false;
        int running = 8;
        int wrong = 0;
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await client->connect();
            for (char mark = 'a'; mark != 'a' + 8; ++mark) {
                asio::co_spawn(
                    context,
                    [](Client& asking, char filling, bool& over, int& left, int& bad, int& right,
                       int& gone) -> asio::awaitable<void> {
                        while (!over) {
                            Buffer body = co_await filled(asking, 100'000, filling);
                            const communica::RequestOptions at_once{.wait_for_connection = false};
                            auto answer = co_await asking.try_request<Buffer>(std::move(body), at_once);
                            if (answer) {
                                bad += is_all(*answer, 100'000, filling) ? 0 : 1;
                                ++right;
                            } else {
                                const auto code = answer.error().code;
                                bad += code == errc::connection_lost || code == errc::not_connected ? 0 : 1;
                                gone += code == errc::connection_lost ? 1 : 0;
                                over = true;
                            }
                        }
                        --left;
                    }(*client, mark, is_over, running, wrong, answered, lost),
                    asio::detached);
            }
            co_await test::until([&, before = answered] { return answered > before; });
            co_await disturb(*serving, random);
            co_await until_mapped(0);
            serving.emplace("borrowing", std::vector<std::string>{connector.dump_state()});
            serving->expect("READY");
            co_await test::until([&] { return running == 0; });  // the next server says that it has none of them
        });
        CHECK(wrong == 0);
    }
    client->stop();
    client.reset();
    serving.reset();
    test::run_out(context);
    CHECK(mapped().count == 0);
    CHECK(open_descriptors() <= descriptors);
    CHECK(lost > rounds);
    return std::to_string(rounds) + " servers killed: " + std::to_string(answered) + " requests answered, " +
           std::to_string(lost) + " lost";
}

/// The same.
std::string kill_clients(int rounds) {
    int answered = 0;
    Serving serving([&answered](Buffer body) {
        ++answered;
        return body;
    });
    std::mt19937 random(24);
    serving.run([&]() -> asio::awaitable<void> {
        const std::size_t descriptors = open_descriptors();
        for (int round = 0; round != rounds; ++round) {
            Process lending("lending", {connector_in(serving.directory).dump_state()});
            co_await test::until([&, before = answered] { return answered > before + 8; });
            CHECK(mapped().count > 0);
            co_await disturb(lending, random);
            co_await until_mapped(0);
        }
        CHECK(open_descriptors() <= descriptors);
    });
    return std::to_string(rounds) + " clients killed: " + std::to_string(answered) + " requests answered";
}

}  // namespace

TEST_CASE("when a server is stopped or killed with lent bodies in flight, each request ends once and all memory goes") {
    kill_servers(20);
}

TEST_CASE("when a client is stopped or killed with lent bodies in flight, all memory goes") { kill_clients(20); }

TEST_CASE("a client whose servers are killed and replaced gets answers that are right, or errors") {
    test::TemporaryDirectory directory;
    const auto connector = connector_in(directory);
    std::optional<Process> serving(std::in_place, "borrowing", std::vector<std::string>{connector.dump_state()});
    serving->expect("READY");
    Process lending("lending", {connector.dump_state()});
    lending.expect("READY");
    for (int round = 0; round != 10; ++round) {
        serving->kill();
        serving->wait();
        serving.emplace("borrowing", std::vector<std::string>{connector.dump_state()});
        serving->expect("READY");
    }
    lending.end_input();
    CHECK(lending.expect("WRONG") == "0");
    CHECK(lending.wait() == test::in_order);
    serving->end_input();
    CHECK(serving->wait() == test::in_order);
}

TEST_CASE("either side is stopped or killed 250 times with lent bodies in flight", "[.long]") {
    WARN(kill_servers(250));
    WARN(kill_clients(250));
}

// ---- a hostile peer -----------------------------------------------------------------------------------------------------

namespace {

std::string reference(std::uint32_t segment, std::size_t offset, std::size_t size, int id = 1) {
    const std::string metadata = R"({"id": ")" + std::to_string(id) + R"(", "type": 1})";
    std::string frame(LentHead::size, '\0');
    LentHead{segment, offset, size, metadata.size()}.store(frame.data());
    return frame + metadata;
}
std::string notice(FrameCode code, std::uint32_t segment) {
    std::string frame(SegmentNotice::size, '\0');
    SegmentNotice{code, segment}.store(frame.data());
    return frame;
}

void announce(Stranger& stranger, const OwnedDescriptor& file) {
    stranger.say(std::string(1, LentSegments::announcement), {file.get()});
}

OwnedDescriptor unsealed() {
    OwnedDescriptor file(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(::ftruncate(file.get(), large) == 0);
    return file;
}

}  // namespace

TEST_CASE("whoever lies about lent memory loses the connection, and is told why") {
    constexpr std::size_t size = 64 * 1024;
    struct Case {
        std::string says;
        std::function<void(Stranger&)> lie;
    };
    const auto with_segment = [](const std::string& frames) {
        return [frames](Stranger& stranger) {
            announce(stranger, SealedMemory::make_file(size));
            stranger.write(frames);
        };
    };
    const std::vector<Case> cases{
        {"a lent segment that the peer does not have", [](Stranger& s) { s.write(reference(0, 0, 10)); }},
        {"a lent segment that the peer does not have", with_segment(reference(2, 0, 10))},
        {"a lent segment that the peer does not have", with_segment(reference(1, 0, 10))},
        {"a body outside of its lent segment", with_segment(reference(0, 0, size + 1))},
        {"a body outside of its lent segment", with_segment(reference(0, size + 1, 0))},
        {"a body outside of its lent segment", with_segment(reference(0, 0xffffffff, 0xfffffff))},
        {"a lent segment that the peer does not have",  // sent twice, before it came back
         with_segment(reference(0, 0, 10, 1) + reference(0, 0, 10, 2))},
        {"a notice about a segment of the wrong side", with_segment(notice(FrameCode::returned, 0))},
        {"a lent segment that the peer does not have", with_segment(notice(FrameCode::retired, 2))},
        {"a lent segment that the peer does not have",
         with_segment(notice(FrameCode::retired, 0) + notice(FrameCode::retired, 0))},
        {"a lent segment that the peer does not have",
         with_segment(notice(FrameCode::retired, 0) + reference(0, 0, 10))},
        {"a lent segment that the peer does not have", [](Stranger& s) { s.write(notice(FrameCode::returned, 1)); }},
        {"a lent segment that is not a sealed file, or over the limit",
         [](Stranger& s) {
             announce(s, unsealed());
             s.write(reference(0, 0, 10));
         }},
        {"a lent segment that is not a sealed file, or over the limit",
         [](Stranger& s) {
             announce(s, OwnedDescriptor(::open("/dev/zero", O_RDWR | O_CLOEXEC)));
             s.write(reference(0, 0, 10));
         }},
        {"a lent segment that is not a sealed file, or over the limit",
         [](Stranger& s) {
             announce(s, SealedMemory::make_file(4096));
             s.write(reference(0, 0, 10));
         }},
        {"a lent segment that is not a sealed file, or over the limit",
         [](Stranger& s) {
             announce(s, SealedMemory::make_file(SharedMemoryOptions().max_lent + 4096));
             s.write(reference(0, 0, 10));
         }},
        {"a lent segment that is not a sealed file, or over the limit",
         [](Stranger& s) {
             const OwnedDescriptor file = SealedMemory::make_file(size);
             for (std::size_t i = 0; i <= LentSegments::most_segments; ++i) {
                 announce(s, file);
             }
             s.write(reference(2 * LentSegments::most_segments, 0, 10));
         }},
    };
    for (const Case& one : cases) {
        std::vector<Buffer> held;
        Serving serving([&held](Buffer body) { held.push_back(std::move(body)); });
        serving.run([&]() -> asio::awaitable<void> {
            CAPTURE(&one - cases.data());
            Stranger stranger(serving.context, connector_in(serving.directory));
            co_await stranger.greet(SharedMemoryOptions().max_lent);
            one.lie(stranger);
            co_await serving.ended.wait();
            REQUIRE(serving.endings.size() == 1);
            const std::string said = serving.endings.front().message;
            CAPTURE(said, one.says);
            const bool is_told = said.find(one.says) != said.npos;
            CHECK(is_told);
            held.clear();
        });
    }
}

TEST_CASE("a peer without lent memory may not refer to any") {
    Serving serving([](Buffer body) { return body; });
    serving.run([&]() -> asio::awaitable<void> {
        Stranger stranger(serving.context, connector_in(serving.directory));
        co_await stranger.greet();
        stranger.write(reference(0, 0, 10));
        co_await serving.ended.wait();
        CHECK(serving.endings.front().message.find("a frame of unknown code") != std::string::npos);
    });
}

TEST_CASE("memory that is changed while it is read harms nobody") {
    test::TemporaryDirectory directory;
    asio::io_context context;
    communica::ServerOptions options;
    options.log = [](communica::LogLevel, std::string_view) {};
    int ended = 0;
    options.on_disconnect = [&](const std::string&, const Error&) { ++ended; };
    int right = 0;
    communica::SimpleServer server(
        context, connector_in(directory),
        [&](const std::vector<std::string>& texts) {
            right += texts.empty() ? 0 : 1;
            return texts.size();
        },
        communica::JsonSerializer(), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        {
            Stranger stranger(context, connector_in(directory));
            co_await stranger.greet(large);
            const OwnedDescriptor file = SealedMemory::make_file(large);
            announce(stranger, file);
            const auto memory = *SealedMemory::map(file, large);
            const std::string value = R"(["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"])";
            std::jthread scribbler([&](const std::stop_token& stop) {
                std::mt19937 random(1);
                auto* const bytes = static_cast<volatile char*>(memory.start());
                while (!stop.stop_requested()) {
                    for (std::size_t at = 0; at != value.size(); ++at) {
                        bytes[at] = value[at];
                    }
                    bytes[random() % value.size()] = static_cast<char>(random());
                }
            });
            for (int round = 0; round != 300; ++round) {
                stranger.write(reference(0, 0, value.size(), round + 1));
                std::string got;
                while (got.find(notice(FrameCode::returned, 0)) == got.npos) {
                    got += co_await stranger.read();
                }
            }
        }
        co_await test::until([&] { return ended == 1; });
        co_await server.close();
    });
    test::run_out(context);
    CHECK(right > 0);
    CHECK(mapped().count == 0);
}

}  // namespace lent_bodies
