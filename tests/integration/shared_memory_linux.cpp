// Connections through shared memory: between processes, with a process that is killed, and with one that means harm.
#include "support/errors.hpp"
#include "support/frames.hpp"
#include "support/mixed_requests.hpp"
#include "support/process.hpp"
#include "support/run.hpp"
#include "support/scripted_peer.hpp"
#include "support/shared_memory_stranger.hpp"
#include "support/system.hpp"
#include "support/temporary_directory.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/shared_memory.hpp>
#include <communica/connectors/shared_memory/platform.hpp>

#include <asio/local/stream_protocol.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <stop_token>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shared_memory {

using communica::errc;
using communica::Error;
using communica::SharedMemoryConnector;
using communica::SharedMemoryOptions;
using communica::detail::MeetingHead;
using communica::detail::OwnedDescriptor;
using communica::detail::RingMemory;
using communica::detail::RingPosition;
using communica::detail::RingReader;
using communica::detail::RingWriter;
using communica::detail::SharedPages;
using communica::detail::WakePipe;
using test::error_of;
using test::mapped;
using test::open_descriptors;
using test::Process;
using test::Stranger;
using namespace std::chrono_literals;

namespace {

using Client = communica::RouteClient<SharedMemoryConnector>;
using Server = communica::RouteServer<SharedMemoryConnector>;

SharedMemoryConnector connector_in(const test::TemporaryDirectory& directory, std::size_t ring_size = 64 * 1024) {
    SharedMemoryOptions options;
    options.local.directory = directory.path();
    options.ring_size = ring_size;
    return SharedMemoryConnector("shared", options);
}

/// A server that echoes, and what it logs.
struct Echo {
    explicit Echo(communica::ServerOptions options = {}, std::size_t ring_size = 64 * 1024)
        : server(context, connector_in(directory, ring_size), routes(), logged(std::move(options))) {}

    static communica::RouteTable<> routes() {
        communica::RouteTable<> table;
        table.add("echo", [](std::string text) { return text; });
        return table;
    }
    communica::ServerOptions logged(communica::ServerOptions options) {
        options.log = [this](communica::LogLevel, std::string_view line) { log += std::string(line) + "\n"; };
        options.on_disconnect = [this](const std::string&, const Error& why) {
            endings.push_back(why);
            ended.set();
        };
        return options;
    }

    /// Runs `body` while it listens; afterwards another client is served as if nothing had been, and nothing is left.
    template <class Body>
    void run(Body body) {
        const std::size_t descriptors = open_descriptors();
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await body();
            Client other(context, connector_in(directory));
            co_await other.connect();
            const std::string text(100'000, 'e');
            const auto echoed = co_await other.request<std::string>("echo", text);
            CHECK(echoed == text);
            co_await other.close();
            co_await server.close();
        });
        test::run_out(context);
        CHECK(open_descriptors() <= descriptors);
        CHECK(mapped().count == 0);
    }

    std::string log;
    std::vector<Error> endings;
    test::Event ended;
    test::TemporaryDirectory directory;
    asio::io_context context;
    Server server;
};

std::string echo_frame(std::size_t size) {
    return test::message_frame(R"({"id": "1", "type": 1, "route": "echo"})", '"' + std::string(size, 'x') + '"');
}

}  // namespace

TEST_CASE("processes ask each other in every way through shared memory") {
    const test::TemporaryDirectory directory;
    const auto connector = connector_in(directory);
    Process serving("serving_shared", {connector.dump_state()});
    serving.expect("READY");
    asio::io_context context;
    Client client(context, connector);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        const int right = co_await test::ask_mixed(client, 2'000);
        CHECK(right == 2'000);
        const auto caller = co_await client.request<std::int64_t>("caller", nullptr);
        CHECK(caller == test::own_process_id());  // as the system vouches for
        const std::string large(8 * 1024 * 1024, 'l');
        const auto echoed = co_await client.request<std::string>("echo", large);
        CHECK(echoed == large);
        co_await client.close();
    });
    serving.end_input();
    CHECK(serving.wait() == test::in_order);
}

TEST_CASE("each request ends once, as promised, when the other process is killed, and its memory goes") {
    const test::TemporaryDirectory directory;
    const auto connector = connector_in(directory);
    asio::io_context context;
    communica::ClientOptions options;
    options.backoff = communica::BackoffOptions{.first = 2ms, .most = 20ms};
    Client client(context, connector, options);
    const std::string text(10'000, 't');
    std::optional<Process> serving(std::in_place, "serving_shared", std::vector<std::string>{connector.dump_state()});
    serving->expect("READY");
    int lost = 0;
    for (int round = 0; round != 20; ++round) {
        std::vector<std::optional<Error>> ended(64);
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await client.connect();
            for (auto& one : ended) {
                client.try_request<std::string>("echo", text, [&one, &text](communica::Result<std::string> result) {
                    CHECK_FALSE(one);
                    one = result ? Error{} : result.error();
                    CHECK((!result || *result == text));
                });
            }
            co_await test::until([&] { return ended[static_cast<std::size_t>(round)].has_value(); });
            serving->kill();
            serving->wait();
            serving.emplace("serving_shared", std::vector<std::string>{connector.dump_state()});
            serving->expect("READY");
            co_await test::until([&] {
                return std::all_of(ended.begin(), ended.end(), [](const auto& one) { return one.has_value(); });
            });
        });
        for (const auto& one : ended) {
            const bool is_as_promised = !one->code || one->code == errc::connection_lost;
            CHECK(is_as_promised);
            lost += one->code ? 1 : 0;
        }
        CHECK(mapped().count <= 1);
    }
    CHECK(lost > 0);
    client.stop();
    test::run_out(context);
    CHECK(mapped().count == 0);
    serving->end_input();
    CHECK(serving->wait() == test::in_order);
}

TEST_CASE("a server's limit on rings is told in words") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    SharedMemoryOptions at_server;
    at_server.local.directory = directory.path();
    at_server.max_ring_size = 32 * 1024;
    Server server(context, SharedMemoryConnector("shared", at_server));
    Client client(context, connector_in(directory));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const communica::ConnectOptions once{.attempts = 1};
        const Error error = co_await error_of(client.connect(once));
        CHECK(error.code == errc::handshake_failed);
        CHECK(error.message.find("a ring of 65536 bytes, where at most 32768 are allowed") != error.message.npos);
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("a client that shares no memory is told what it has come to") {
    Echo echo;
    echo.run([&]() -> asio::awaitable<void> {
        communica::RouteClient client(echo.context,
                                      communica::LocalConnector("shared.shm", {.directory = echo.directory.path()}));
        const communica::ConnectOptions once{.attempts = 1};
        const Error error = co_await error_of(client.connect(once));
        CHECK(error.message.find("this is a server of shared memory") != error.message.npos);
        co_await client.close();
    });
}

TEST_CASE("a server that also serves local sockets is found by both, and a client that also uses them finds both") {
    const test::TemporaryDirectory directory;
    const communica::LocalConnector plain("shared", {.directory = directory.path()});
    SharedMemoryOptions options;
    options.local.directory = directory.path();
    options.or_local = true;
    const SharedMemoryConnector either("shared", options);
    CHECK(SharedMemoryConnector::load_state(either.dump_state()).dump_state() == either.dump_state());
    const auto echo = [](std::string text) { return text; };
    const auto ask = [](auto& client) -> asio::awaitable<void> {
        const communica::ConnectOptions once{.attempts = 1};
        co_await client.connect(once);
        const auto echoed = co_await client.template request<std::string>("e");
        CHECK(echoed == "e");
        co_await client.close();
    };
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        {
            communica::SimpleServer server(context, either, echo);
            co_await server.start();
            communica::SimpleClient local(context, plain);
            co_await ask(local);
            communica::SimpleClient shared(context, connector_in(directory));
            co_await ask(shared);
            communica::SimpleClient any(context, either);
            const communica::ConnectOptions once{.attempts = 1};
            co_await any.connect(once);
            CHECK(mapped().count == 2);  // of both ends
            co_await any.close();
            co_await server.close();
        }
        {
            communica::SimpleServer server(context, plain, echo);
            co_await server.start();
            communica::SimpleClient any(context, either);
            co_await ask(any);
            co_await server.close();
        }
        {
            SharedMemoryOptions strict = options;
            strict.max_ring_size = 8'192;
            communica::SimpleServer server(context, SharedMemoryConnector("shared", strict), echo);
            co_await server.start();
            communica::SimpleClient any(context, either);  // its memory is refused
            co_await ask(any);
            co_await server.close();
        }
        communica::SimpleClient alone(context, either);
        const communica::ConnectOptions once{.attempts = 1};
        const Error error = co_await error_of(alone.connect(once));
        CHECK(error.message.find("shared.shm.sock") != error.message.npos);
        CHECK(error.message.find("shared.sock") != error.message.npos);
        co_await alone.close();
    });
    test::run_out(context);
}

TEST_CASE("memory that was in use at once is given back when it is not") {
    communica::ServerOptions options;
    options.limits.liveness_timeout = 1s;  // it looks every fifth of that
    Echo echo(options, 4 * 1024 * 1024);
    echo.run([&]() -> asio::awaitable<void> {
        communica::ClientOptions quick;
        quick.limits.liveness_timeout = 1s;
        Client client(echo.context, connector_in(echo.directory, 4 * 1024 * 1024), quick);
        co_await client.connect();
        const std::string text(2 * 1024 * 1024, 't');
        const auto echoed = co_await client.request<std::string>("echo", text);
        CHECK(echoed == text);
        CHECK(mapped().resident > 1024 * 1024);
        const auto patience_ends = std::chrono::steady_clock::now() + test::patience;
        while (mapped().resident > 4 * 2 * SharedPages::page) {  // pings go on
            REQUIRE(std::chrono::steady_clock::now() < patience_ends);
            asio::steady_timer pause(echo.context, 20ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
        co_await client.close();
    });
}

TEST_CASE("whoever brings something else to the meeting is told so, and closed") {
    constexpr std::uint32_t ring_size = 64 * 1024;
    const std::string head = MeetingHead{.ring_size = ring_size}.store();
    Echo echo;
    echo.run([&]() -> asio::awaitable<void> {
        const auto connector = connector_in(echo.directory);
        const OwnedDescriptor good = SharedPages::make_file(ring_size);
        const OwnedDescriptor unsealed(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        REQUIRE(::ftruncate(unsealed.get(), 2 * ring_size) == 0);
        const OwnedDescriptor small = SharedPages::make_file(ring_size / 2);
        const OwnedDescriptor read_only(
            ::open(("/proc/self/fd/" + std::to_string(good.get())).c_str(), O_RDONLY | O_CLOEXEC));
        const OwnedDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        const WakePipe pipe = WakePipe::make();
        const int wake = pipe.read_end().get();
        struct Case {
            std::string bytes;
            std::vector<int> descriptors;
            std::string says;
        };
        const std::vector<Case> cases{
            {head, {}, "0 descriptors came instead of 2"},
            {head, {good.get()}, "1 descriptors came instead of 2"},
            {head, {unsealed.get(), wake}, "not a sealed file of the size said"},
            {head, {small.get(), wake}, "not a sealed file of the size said"},
            {head, {null.get(), wake}, "not a sealed file of the size said"},
            {head, {wake, good.get()}, "not a sealed file of the size said"},
            {head, {read_only.get(), wake}, "memory to share"},
            {head, {good.get(), null.get()}, "not a pipe"},
            {head, {good.get(), good.get()}, "not a pipe"},
            {MeetingHead{.ring_size = 0}.store(), {good.get(), wake}, "a ring of 0 bytes"},
            {MeetingHead{.ring_size = 100}.store(), {good.get(), wake}, "a ring of 100 bytes"},
            {MeetingHead{.ring_size = 0xfffff000}.store(), {good.get(), wake}, "a ring of 4294963200 bytes"},
            {head.substr(0, 8), {good.get(), wake}, "this is a server of shared memory"},
            {std::string(200, '\0'), {good.get(), wake}, "this is a server of shared memory"},
        };
        for (const Case& one : cases) {
            Stranger stranger(echo.context, connector);
            stranger.say(one.bytes, one.descriptors);
            const std::string text = co_await stranger.answer();
            CAPTURE(text, one.says);
            const bool is_told = text.find(one.says) != text.npos;
            CHECK(is_told);
            co_await stranger.expect_end();
        }
        Stranger silent(echo.context, connector);  // and one that leaves without a word
    });
}

TEST_CASE("whoever lies about where bytes are loses the connection, and nobody else does") {
    const std::array<std::uint64_t, 6> lies{RingPosition{0, 0xffffffff}.pack(), RingPosition{0, 65'537}.pack(),
                                            RingPosition{2, 0}.pack(),          RingPosition{0, 0}.pack(),
                                            RingPosition{0xffffffff, 3}.pack(), RingPosition{1, 0xfffffff}.pack()};
    Echo echo;
    echo.run([&]() -> asio::awaitable<void> {
        for (const std::uint64_t lie : lies) {
            echo.endings.clear();
            echo.ended = {};
            Stranger stranger(echo.context, connector_in(echo.directory));
            co_await stranger.greet();
            stranger.out.control->tail.store(lie);
            stranger.pipe.wake();
            co_await echo.ended.wait();
            CAPTURE(lie);
            REQUIRE(echo.endings.size() == 1);
            const bool is_told =
                echo.endings.front().message.find("the other side broke the protocol") != std::string::npos;
            CHECK(is_told);
        }
    });
}

TEST_CASE("whoever wakes the other side for nothing all the time loses the connection") {
    Echo echo;
    echo.run([&]() -> asio::awaitable<void> {
        Stranger stranger(echo.context, connector_in(echo.directory));
        co_await stranger.greet();
        while (echo.endings.empty()) {
            stranger.pipe.wake();
            co_await asio::post(echo.context, asio::use_awaitable);
        }
    });
}

TEST_CASE("memory that is rewritten while it is read or written harms its own connection alone") {
    Echo echo;
    echo.run([&]() -> asio::awaitable<void> {
        const std::string frame = echo_frame(3'000);
        for (unsigned round = 0; round != 30; ++round) {
            Stranger stranger(echo.context, connector_in(echo.directory));
            co_await stranger.greet();
            // Another process, as far as the server can tell. In some rounds it also rewrites where bytes are.
            std::jthread scribbler([&, round](const std::stop_token& stop) {
                const SharedPages own = SharedPages::map(stranger.file, 64 * 1024);
                const std::array rings{own.ring(SharedPages::Direction::to_server),
                                       own.ring(SharedPages::Direction::to_client)};
                std::mt19937 random(round);
                while (!stop.stop_requested()) {
                    const RingMemory<>& ring = rings[random() % 2];
                    static_cast<volatile char*>(ring.bytes)[random() % 20'000] = static_cast<char>(random());
                    if (round % 4 == 0) {
                        reinterpret_cast<volatile std::uint32_t*>(ring.control)[random() % 64] =
                            static_cast<std::uint32_t>(random());
                    } else if (round % 4 == 1) {  // likely places
                        reinterpret_cast<volatile std::uint64_t*>(rings[1].control)[random() % 32] =
                            RingPosition{static_cast<std::uint32_t>(random() % 4),
                                         static_cast<std::uint32_t>(random() % 70'000)}
                                .pack();
                    }
                }
            });
            RingReader answers(stranger.in);
            std::string room(10'000, '\0');
            for (int i = 0; i != 40; ++i) {
                try {
                    if (stranger.writer->write(frame) == frame.size()) {
                        stranger.writer->publish();
                    }
                    if (i > 20) {
                        answers.read(room);
                    }
                } catch (const std::system_error&) {
                    break;  // this side sees, too, what the scribbler has done
                }
                stranger.pipe.wake();
                co_await asio::post(echo.context, asio::use_awaitable);
            }
        }
    });
}

TEST_CASE("a size or a name that can't be is refused where it is given, and a state is what it was") {
    CHECK_THROWS_AS(SharedMemoryConnector("a/b"), std::system_error);
    CHECK_THROWS_AS(SharedMemoryConnector("a", {.ring_size = 1'000}), std::system_error);
    CHECK_THROWS_AS(SharedMemoryConnector("a", {.ring_size = std::size_t{2} << 30}), std::system_error);
    const SharedMemoryConnector plain("Name");
    CHECK(plain.dump_state() == R"({"type": "SharedMemoryConnector", "name": "name"})");
    const SharedMemoryConnector other("name", {.local = {.directory = "/tmp", .users = {0}},
                                               .ring_size = 10'000,
                                               .max_ring_size = 20'000,
                                               .max_lent = 0,
                                               .max_lending_connections = 1});
    CHECK(other.options().ring_size == 12'288);
    const auto loaded = SharedMemoryConnector::load_state(other.dump_state());
    CHECK(loaded.dump_state() == other.dump_state());
    CHECK(loaded.address() == "/tmp/name.shm.sock");
    CHECK_THROWS_AS(SharedMemoryConnector::load_state(R"({"type": "LocalConnector", "name": "a"})"), std::system_error);
}

}  // namespace shared_memory
