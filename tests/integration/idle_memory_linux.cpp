// What a server holds for a client that has connected and says nothing.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <memory>
#include <string>
#include <vector>

#include <malloc.h>

namespace idle_memory_linux {

TEST_CASE("an idle connection holds 6 kB, also after a long hello") {
    constexpr std::size_t count = 100;
    asio::io_context context;
    test::Meeting meeting(test::Transport::local);
    test::RouteServer server(context, meeting.at_server(), test::Routes());
    std::vector<test::ScriptedPeer> peers;
    peers.reserve(2 * count);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const auto connect = [&]() -> asio::awaitable<std::size_t> {
            for (std::size_t i = 0; i != count; ++i) {
                // Longer than what a read buffer holds in place.
                std::string id = std::string(250, 'i') + std::to_string(peers.size());
                peers.push_back(co_await test::ScriptedPeer::greet(server.connector_state(), std::move(id)));
            }
            co_return ::mallinfo2().uordblks;
        };
        const std::size_t before = co_await connect();  // the first allocate what all share
        const std::size_t after = co_await connect();
        if (before == after) {
            WARN("skipped: a sanitizer has another allocator");
        } else {
            const std::size_t each = (after - before) / count;
            CAPTURE(each);
            CHECK(each < 6'000 + sizeof(test::ScriptedPeer) + 1'000);  // ids of 250 bytes and sockets of this side
        }
        peers.clear();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace idle_memory_linux
