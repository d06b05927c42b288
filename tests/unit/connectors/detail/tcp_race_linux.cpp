// A client whose server is away may be given its server's port by the system, and would be connected to itself.
#include "support/catch.hpp"
#include "support/own_network_linux.hpp"
#include "support/run.hpp"

#include <communica/connectors/detail/tcp_race.hpp>

#include <fstream>
#include <thread>

namespace tcp_race_linux {

namespace {

using asio::ip::tcp;
using communica::detail::TcpRace;

const tcp::endpoint server(asio::ip::address_v4::loopback(), 50000);

/// Gives this thread a network of its own, where clients get one of four ports, the server's among them. False if the system does
/// not let it.
bool take_small_network() {
    return test::take_own_network() &&
           (std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "50000 50003" << std::flush).good();
}

/// How an attempt at the server's port ends, which is cancelled once it has begun, or not.
std::string ending_of_attempt(bool is_cancelled) {
    asio::io_context context;
    std::string ending = "none";
    asio::cancellation_signal cancellation;
    asio::co_spawn(communica::base::make_strand_on(context.get_executor()),
                   TcpRace::run({server}, context.get_executor(), "host"),
                   asio::bind_cancellation_slot(cancellation.slot(), [&](const std::exception_ptr& failure, auto&&) {
                       ending = failure ? communica::Error::from(failure).message : "connected";
                   }));
    context.run_one();
    if (is_cancelled) {
        cancellation.emit(asio::cancellation_type::terminal);
    }
    context.run();
    return ending;
}

bool can_listen() {
    asio::io_context context;
    tcp::acceptor acceptor(context);
    asio::error_code error;
    acceptor.open(server.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(server, error);
    return !error;
}

}  // namespace

TEST_CASE("a client does not connect to itself, and leaves its server the port") {
    bool is_possible = false;
    int connected = 0;
    int refused = 0;
    int taken = 0;
    std::thread([&] {
        is_possible = take_small_network();
        for (int attempt = 0; is_possible && attempt != 100; ++attempt) {
            const std::string ending = ending_of_attempt(attempt % 2 == 0);
            connected += ending == "connected" ? 1 : 0;
            refused += ending.ends_with("Connection refused") ? 1 : 0;
            taken += can_listen() ? 0 : 1;
        }
    }).join();
    if (!is_possible) {
        WARN("skipped: it takes root, and a system with network namespaces");
        return;
    }
    CHECK(connected == 0);
    CHECK(refused >= 50);
    CHECK(taken == 0);
}

}  // namespace tcp_race_linux
