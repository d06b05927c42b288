// Peers that are slow, silent or many: what their descriptors cost the others.
#include "support/file_peer_linux.hpp"
#include "support/pair.hpp"

#include <asio/thread_pool.hpp>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace descriptors_limits {

using communica::Descriptor;
using test::ask;
using test::FilePeer;
using test::frame_of;
using test::memory_file;
using test::permission;
using test::request;
using test::text_of;
using namespace std::chrono_literals;

namespace {

struct Large {
    std::string text;
    std::vector<Descriptor> files;
};
COMMUNICA_MODEL(Large, text, files)

constexpr std::size_t large_size = 12'000'000;

test::Routes routes_with_files() {
    test::Routes routes;
    routes.add("open", [](int) { return memory_file(); });
    routes.add("count", [](const std::vector<Descriptor>& files) { return files.size(); });
    routes.add("large", [](std::size_t count) {
        Large large{std::string(large_size, 'x'), {}};
        for (std::size_t file = 0; file != count; ++file) {
            large.files.push_back(memory_file());
        }
        return large;
    });
    routes.add("load again", [](const Descriptor& file) {
        const std::string second = "1";
        try {
            return text_of(communica::JsonSerializer().load<Descriptor>(communica::as_bytes(second)));
        } catch (const communica::SerializerError&) {
            return text_of(file) + " alone";
        }
    });
    return routes;
}

/// Runs `body(peer, server)` against a server with these limits.
template <class Body>
void against_server(const communica::Limits& limits, test::Routes routes, Body body) {
    asio::io_context context;
    test::Meeting meeting(test::Transport::local);
    communica::ServerOptions options;
    options.limits = limits;
    test::RouteServer server(context, meeting.at_server(), std::move(routes), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        FilePeer peer = co_await FilePeer::greet(server.connector_state());
        co_await body(peer, server);
        peer.script.cut();
        co_await server.close();
    });
    test::run_out(context);
}

/// Sends so many descriptors of a message that does not follow.
asio::awaitable<void> withhold_message(FilePeer& peer, int count) {
    co_await peer.be_permitted();
    const std::vector<std::string> texts(static_cast<std::size_t>(count), "text");
    peer.send_with(frame_of(count), texts);
}

/// The type of the answer to a message with so many descriptors.
asio::awaitable<int> send_files(FilePeer& peer, int count) {
    co_await withhold_message(peer, count);
    std::string indices;
    for (int index = 0; index != count; ++index) {
        indices += (index == 0 ? "" : ",") + std::to_string(index);
    }
    const std::string bytes = request("count", "[" + indices + "]");
    co_await peer.script.send(bytes);
    const auto answer = co_await peer.script.read_message();
    co_return answer.type();
}

}  // namespace

TEST_CASE("a peer that reads a large message slowly keeps its connection, with descriptors as without") {
    const std::string files = GENERATE("0", "1");
    communica::Limits limits;
    limits.write_timeout = 1500ms;
    against_server(limits, routes_with_files(), [&](FilePeer& peer, auto&) -> asio::awaitable<void> {
        const std::string bytes = request("large", files);
        co_await peer.script.send(bytes);
        if (files == "1") {
            co_await peer.script.expect(ask);
            co_await peer.script.send(permission);
        }
        std::size_t received = 0;
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (; received != large_size; received += 50'000) {  // at least 2.4 s in all
            timer.expires_after(10ms);
            co_await timer.async_wait(asio::use_awaitable);
            (void)co_await peer.script.read(50'000);
        }
    });
}

TEST_CASE("a peer that does not permit descriptors is cut off, though it reads all else") {
    communica::Limits limits;
    limits.write_timeout = 200ms;
    against_server(limits, routes_with_files(), [](FilePeer& peer, auto&) -> asio::awaitable<void> {
        const std::string bytes = request("open", "1");
        co_await peer.script.send(bytes);
        co_await peer.script.expect(ask);
        const std::string rest = co_await peer.script.read_to_end();
        CHECK(rest.find(frame_of(1)) == rest.npos);
    });
}

TEST_CASE("a peer that asks and does not read is cut off") {
    communica::Limits limits;
    limits.max_refusals = 100'000;
    against_server(limits, routes_with_files(), [](FilePeer& peer, auto&) -> asio::awaitable<void> {
        std::string bytes;
        while (bytes.size() < 1'000'000) {
            bytes += ask + frame_of(0);
        }
        std::size_t sent = 0;
        try {
            for (; sent < 50; ++sent) {
                co_await peer.script.send(bytes);
            }
        } catch (const std::runtime_error&) {  // it was; Boost.Asio throws a type of its own
        }
        CHECK(sent < 50);
    });
}

TEST_CASE("who holds no descriptors may use a fair share of those of an entity") {
    communica::Limits limits;
    limits.max_descriptors_in_all = 40;
    against_server(limits, routes_with_files(), [](FilePeer& greedy, auto& server) -> asio::awaitable<void> {
        co_await withhold_message(greedy, 40);
        FilePeer other = co_await FilePeer::greet(server.connector_state(), "253", "other");
        CHECK_AWAITED(11, send_files(other, 5));  // a quarter for two
        CHECK_AWAITED(42, send_files(other, 6));
        greedy.script.cut();
        CHECK_AWAITED(11, send_files(other, 5));
        other.script.cut();
    });
}

TEST_CASE("a handler on another executor does not hold the descriptors that its value has taken") {
    communica::Limits limits;
    limits.max_descriptors_in_all = 3;
    asio::thread_pool pool(1);
    std::promise<void> done;
    std::atomic<bool> runs = false;
    test::Routes routes = routes_with_files();
    routes.add("hold",
               communica::on_executor(pool, [&, wait = done.get_future().share()](const std::vector<Descriptor>&) {
                   runs = true;
                   wait.wait();
               }));
    against_server(limits, std::move(routes), [&](FilePeer& peer, auto& server) -> asio::awaitable<void> {
        co_await withhold_message(peer, 3);
        const std::string bytes = request("hold", "[0]");
        co_await peer.script.send(bytes);
        co_await test::until([&] { return runs.load(); });
        FilePeer other = co_await FilePeer::greet(server.connector_state(), "253", "other");
        CHECK_AWAITED(11, send_files(other, 3));
        other.script.cut();
        done.set_value();
        co_await peer.expect_answer(11, "");
    });
    pool.join();
}

TEST_CASE("code in a handler cannot load descriptors that its value did not take") {
    against_server({}, routes_with_files(), [](FilePeer& peer, auto&) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts{"first", "second"};
        peer.send_with(frame_of(2), texts);
        const std::string bytes = request("load again", "0");
        co_await peer.script.send(bytes);
        co_await peer.expect_answer(11, "first alone");
    });
}

}  // namespace descriptors_limits
