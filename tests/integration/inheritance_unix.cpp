// Descriptors of the library do not get into programs that others start by exec.
#include "support/check_awaited.hpp"
#include "support/process.hpp"
#include "support/scripted_peer.hpp"

#include <asio/connect.hpp>

#include <sys/socket.h>

namespace inheritance {

using test::Process;
using test::ScriptedPeer;

namespace {

asio::awaitable<asio::error_code> refusal_of(std::string state) {
    asio::error_code code;
    try {
        co_await ScriptedPeer::connect(state);
    } catch (const asio::system_error& e) {
        code = e.code();
    }
    co_return code;
}

}  // namespace

TEST_CASE("a program that another starts keeps none of its connections and addresses") {
    asio::io_context context;
    const test::TemporaryDirectory directory;
    test::ScriptedListener tcp_listener(context, test::Transport::tcp);
    test::ScriptedListener local_listener(context, test::Transport::local);
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    Process holder("inheriting",
                   {tcp_listener.connector().dump_state(), local_listener.connector().dump_state(),
                    std::to_string(ends[1]), directory.path()},
                   {.inherited = ends[1]});
    ::close(ends[1]);
    std::string before = holder.expect("OPEN");
    const std::string tcp_state = holder.expect("TCP");
    const std::string local_state = holder.expect("LOCAL");

    std::vector<ScriptedPeer> peers;
    test::run(context, [&]() -> asio::awaitable<void> {
        peers.push_back(co_await tcp_listener.greet("inheriting"));
        peers.push_back(co_await local_listener.greet("inheriting"));
        test::ScriptStream socket(context, asio::generic::stream_protocol(AF_UNIX, 0), ends[0]);
        peers.emplace_back(std::move(socket));
        co_await peers.back().expect_client_hello("inheriting");
        co_await peers.back().send(test::server_hello);
        peers.push_back(co_await ScriptedPeer::greet(tcp_state, "tcp"));
        peers.push_back(co_await ScriptedPeer::greet(local_state, "local"));
    });
    holder.expect("CONNECTED");
    const std::string inherited = holder.expect("INHERITED");
    // The same as at the start, but for the descriptor that the library was given.
    const std::string given = " " + std::to_string(ends[1]);
    before = " " + before + " ";
    REQUIRE(before.find(given + " ") != before.npos);
    before.erase(before.find(given + " "), given.size());
    CHECK(" " + inherited + " " == before);

    holder.kill();
    CHECK(holder.wait() == test::killed);
    test::run(context, [&]() -> asio::awaitable<void> {
        for (ScriptedPeer& peer : peers) {
            co_await peer.expect_end();
        }
        CHECK_AWAITED(asio::error::connection_refused, refusal_of(tcp_state));
        CHECK_AWAITED(asio::error::connection_refused, refusal_of(local_state));
    });
    holder.write_line("are you there?");
    CHECK(holder.read_line() == "ALIVE");  // all the while
    holder.end_input();
    CHECK(holder.read_line() == std::nullopt);
}

}  // namespace inheritance
