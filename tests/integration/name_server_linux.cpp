// A name server that does not answer, in a network of the test's own.
#include "support/own_network_linux.hpp"
#include "support/pair.hpp"

#include <asio/ip/udp.hpp>

#include <fstream>
#include <thread>

#include <sys/mount.h>

namespace name_server {

using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Client = communica::RouteClient<communica::TcpConnector>;

constexpr auto of_the_system = 8s;  ///< that it waits for the name server

/// Gives this thread, and those that it starts, files of its own in place of the system's. False if it may not.
bool replace_files(const std::string& directory) {
    std::ofstream(directory + "/hosts") << "127.0.0.1 known.example\n";
    std::ofstream(directory + "/resolv.conf") << "nameserver 127.0.0.1\noptions timeout:8 attempts:1\n";
    const auto replace = [&](const std::string& name) {
        return ::mount((directory + name).c_str(), ("/etc" + name).c_str(), nullptr, MS_BIND, nullptr) == 0;
    };
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           replace("/hosts") && replace("/resolv.conf");
}

struct Outcome {
    bool is_possible = false;
    std::string failure = {};
    Clock::duration attempt = {};
    Clock::duration known = {};
    Clock::duration close = {};
};

void look_up(Outcome& outcome) {
    const test::TemporaryDirectory directory;
    if (!test::take_own_network() || !replace_files(directory.path())) {
        return;
    }
    outcome.is_possible = true;
    asio::io_context context;
    const asio::ip::udp::socket silent(context, {asio::ip::address_v4::loopback(), 53});
    communica::RouteServer server(context, communica::TcpConnector("127.0.0.1", 0), communica::RouteTable<>());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const auto port = communica::TcpConnector::load_state(server.connector_state()).port();
        auto options = test::quick_client();
        options.connect_timeout = 300ms;
        Client client(context, communica::TcpConnector("unknown.example", port), options);
        auto begin = Clock::now();
        try {
            co_await client.connect({.attempts = 1});
        } catch (const std::exception& e) {
            outcome.failure = e.what();
        }
        outcome.attempt = Clock::now() - begin;

        begin = Clock::now();
        client.start();
        Client other(context, communica::TcpConnector("known.example", port), test::quick_client("other"));
        co_await other.connect();
        outcome.known = Clock::now() - begin;

        begin = Clock::now();
        co_await client.close();
        outcome.close = Clock::now() - begin;
        co_await other.close();
        co_await server.close();
    });
}

}  // namespace

TEST_CASE("a name server that does not answer holds up neither its attempt, nor other names, nor a close") {
    Outcome outcome;
    std::thread([&] { look_up(outcome); }).join();
    if (!outcome.is_possible) {
        WARN("skipped: it takes root, and a system with namespaces");
        return;
    }
    CHECK(outcome.failure.find("the name server does not answer") != std::string::npos);
    CHECK(outcome.attempt < of_the_system / 2);
    CHECK(outcome.known < of_the_system / 2);
    CHECK(outcome.close < of_the_system / 2);
}

}  // namespace name_server
