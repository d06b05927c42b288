// The other side is there no more, and does not say so.
#include "support/memory.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace silence {

using communica::errc;
using communica::Error;
using test::error_of;
using test::Routes;
using test::RouteServer;
using test::ScriptedPeer;
using namespace std::chrono_literals;

TEST_CASE("who answered pings and falls silent is found within max_silence, who never offered them is left alone") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::pair<std::string, std::error_code>> endings;
    communica::ServerOptions options;
    options.limits.max_silence = 100ms;
    options.resume_window = 0ms;
    options.on_disconnect = [&](const std::string& id, const Error& why) { endings.emplace_back(id, why.code); };
    RouteServer server(context, meeting.at_server(), Routes{}, options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer plain = co_await ScriptedPeer::greet(server.connector_state(), "plain");
        ScriptedPeer pinged = co_await ScriptedPeer::greet_offering(server.connector_state(), "pinged", "\"ping\"");
        co_await test::until([&] { return server.client_ids().size() == 2; });
        std::error_code ending;
        server.client("pinged").request<int>("ask", 1,
                                             [&](std::exception_ptr why, int) { ending = Error::from(why).code; });
        co_await pinged.read_message();

        for (int pings = 0; pings != 6; ++pings) {  // longer than max_silence in all
            co_await pinged.expect(test::ping_frame());
            CHECK(endings.empty());
            co_await pinged.send(test::pong_frame());
        }
        const auto begin = std::chrono::steady_clock::now();
        co_await test::until([&] { return ending != std::error_code(); });
        CHECK(std::chrono::steady_clock::now() - begin < (test::sanitized ? 5s : 1s));
        CHECK(ending == errc::connection_lost);
        using Endings = std::vector<std::pair<std::string, std::error_code>>;
        CHECK(endings == Endings{{"pinged", make_error_code(errc::connection_lost)}});
        CHECK(server.client("plain").is_connected());
        plain.cut();
        pinged.cut();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a client finds a silent server, connects again, and its requests that were sent end") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    auto options = test::quick_client();
    options.limits.max_silence = 100ms;
    options.resume_window = 0ms;
    test::RouteClient client(context, listener.connector(), Routes{}, options);

    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        const std::string hello =
            std::string(R"({"hello": "hello", "communica": {"session": "a", "extensions": ["ping"]}})") + '\0';
        ScriptedPeer silent = co_await listener.accept();
        co_await silent.expect_client_hello("client");
        co_await silent.send(hello);
        const Error lost = co_await error_of(client.request<int>("ask", 1));
        CHECK(lost.code == errc::connection_lost);
        ScriptedPeer next = co_await listener.accept();
        co_await next.expect_client_hello("client");
        co_await next.send(hello);
        co_await client.wait_connected();
        CHECK(client.last_error().message.find("no sign of life") != std::string::npos);
        co_await client.close();
        silent.cut();
        next.cut();
    });
    test::run_out(context);
}

TEST_CASE("both ends of a TCP connection have the system look whether the other machine is there") {
    test::RoutePair pair(test::Transport::tcp);
    pair.run([&]() -> asio::awaitable<void> {
        int ends = 0;
        for (int descriptor = 3; descriptor != 1000; ++descriptor) {
            ::sockaddr_storage other{};
            ::socklen_t size = sizeof other;
            if (::getpeername(descriptor, reinterpret_cast<::sockaddr*>(&other), &size) != 0 ||
                other.ss_family != AF_INET) {
                continue;
            }
            ++ends;
            const auto option = [&](int level, int name) {
                int value = -1;
                ::socklen_t length = sizeof value;
                ::getsockopt(descriptor, level, name, &value, &length);
                return value;
            };
            CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
            CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 15);
            CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 5);
            CHECK(option(IPPROTO_TCP, TCP_KEEPCNT) == 3);
            CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);
            CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 1);
        }
        CHECK(ends == 2);
        co_return;
    });
}

}  // namespace silence
