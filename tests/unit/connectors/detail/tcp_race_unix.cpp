// Which of a host's addresses a client ends up with.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <communica/connectors/detail/tcp_race.hpp>
#include <communica/connectors/tcp.hpp>

namespace tcp_race_tests {

namespace {

using asio::ip::tcp;
using communica::detail::in_order;
using communica::detail::TcpEndpoints;
using communica::detail::TcpRace;
using namespace std::chrono_literals;

using Clock = std::chrono::steady_clock;

tcp::endpoint loopback(unsigned short port = 0) { return {asio::ip::address_v4::loopback(), port}; }

/// An address that answers nothing: its backlog is full.
class BlackHole {
 public:
    explicit BlackHole(asio::io_context& context) : acceptor_(context), context_(context) {
        acceptor_.open(tcp::v4());
        acceptor_.bind(loopback());
        acceptor_.listen(0);
        for (int number = 0; number != 4; ++number) {
            filling_.emplace_back(context);
            filling_.back().non_blocking(true);
            filling_.back().async_connect(acceptor_.local_endpoint(), [](asio::error_code) {});
        }
    }
    tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
    void close() {
        for (auto& socket : filling_) {
            socket.close();
        }
        acceptor_.close();
    }

 private:
    struct Open : tcp::socket {
        explicit Open(asio::io_context& context) : tcp::socket(context, tcp::v4()) {}
    };
    tcp::acceptor acceptor_;
    asio::io_context& context_;
    std::vector<Open> filling_;
};

/// An address at which nobody listens.
tcp::endpoint vacant(asio::io_context& context) {
    tcp::acceptor acceptor(context, loopback());
    return acceptor.local_endpoint();
}

struct Outcome {
    std::optional<tcp::endpoint> connected = {};
    std::string failure = {};
    Clock::duration time = {};
};

Outcome race(asio::io_context& context, const TcpEndpoints& endpoints, Clock::duration limit = test::patience) {
    Outcome outcome;
    const auto begin = Clock::now();
    asio::cancellation_signal signal;
    bool done = false;
    asio::co_spawn(communica::base::make_strand_on(context.get_executor()),
                   TcpRace::run(endpoints, context.get_executor(), "host:1"),
                   asio::bind_cancellation_slot(signal.slot(), [&](const std::exception_ptr& failure,
                                                                   std::unique_ptr<communica::detail::Socket> socket) {
                       outcome.time = Clock::now() - begin;
                       done = true;
                       if (failure) {
                           outcome.failure = communica::Error::from(failure).message;
                       } else {
                           const auto remote = socket->remote_endpoint();
                           tcp::endpoint endpoint;
                           endpoint.resize(remote.size());
                           std::memcpy(endpoint.data(), remote.data(), remote.size());
                           outcome.connected = endpoint;
                       }
                   }));
    context.restart();
    while (!done && Clock::now() - begin < limit) {
        context.run_one_until(begin + limit);
    }
    if (!done) {
        signal.emit(asio::cancellation_type::terminal);
        while (!done) {
            context.run_one();
        }
    }
    return outcome;
}

asio::awaitable<std::error_code> failure_of(const communica::TcpConnector& connector, asio::any_io_executor executor) {
    const communica::ConnectionOptions options;
    try {
        co_await connector.connect(executor, options);
    } catch (const std::system_error& e) {
        co_return e.code();
    }
    co_return std::error_code();
}

}  // namespace

TEST_CASE("each address counts once, and the families take turns, beginning with that of the first") {
    const auto v4 = [](int last) { return tcp::endpoint(asio::ip::make_address("10.0.0." + std::to_string(last)), 1); };
    const auto v6 = [](int last) { return tcp::endpoint(asio::ip::make_address("::" + std::to_string(last)), 1); };
    CHECK(in_order({}).empty());
    CHECK(in_order({v4(1), v4(1)}) == TcpEndpoints{v4(1)});
    CHECK(in_order({v6(1), v6(2), v4(1), v6(1), v4(2), v4(3)}) == TcpEndpoints{v6(1), v4(1), v6(2), v4(2), v4(3)});
    CHECK(in_order({v4(1), v6(1)}) == TcpEndpoints{v4(1), v6(1)});
}

TEST_CASE("behind an address that does not answer the next one is tried 250 ms later") {
    asio::io_context context;
    BlackHole hole(context);
    tcp::acceptor acceptor(context, loopback());
    const auto outcome = race(context, {hole.endpoint(), acceptor.local_endpoint()});
    CHECK(outcome.connected == acceptor.local_endpoint());
    CHECK(outcome.time >= TcpRace::pause);
    hole.close();
}

TEST_CASE("behind an address that refuses the next one is tried at once") {
    asio::io_context context;
    tcp::acceptor acceptor(context, loopback());
    const auto refusing = vacant(context);
    TcpEndpoints endpoints(100, refusing);
    endpoints.push_back(acceptor.local_endpoint());
    const auto outcome = race(context, endpoints);
    CHECK(outcome.connected == acceptor.local_endpoint());
    CHECK(outcome.time < 100 * TcpRace::pause / 2);
}

TEST_CASE("where no address takes a connection the error names each, and why") {
    asio::io_context context;
    const auto refusing = vacant(context);
    const std::string port = std::to_string(refusing.port());
    const auto outcome = race(context, {refusing, {asio::ip::make_address("127.0.0.2"), refusing.port()}});
    CHECK(outcome.failure ==
          "host:1: 127.0.0.1:" + port + ": Connection refused, 127.0.0.2:" + port + ": Connection refused");
}

TEST_CASE("who gives up is told which address did not answer, and which was not tried") {
    asio::io_context context;
    BlackHole hole(context);
    const auto port = std::to_string(hole.endpoint().port());
    const auto outcome = race(context, {hole.endpoint(), hole.endpoint(), hole.endpoint()}, 100ms);
    CHECK(outcome.failure == "host:1: 127.0.0.1:" + port + ": no answer, 127.0.0.1:" + port +
                                 ": not tried, 127.0.0.1:" + port + ": not tried");
    hole.close();
}

TEST_CASE("a server listens on all addresses of both families, and says how it is reached") {
    asio::io_context context;
    const auto executor = context.get_executor();
    const communica::ConnectionOptions options;
    test::run(context, [&]() -> asio::awaitable<void> {
        const communica::TcpConnector everywhere("*", 0);
        const auto listener = co_await everywhere.listen(executor, options);
        const auto reached = communica::TcpConnector::load_state(listener->state());
        CHECK(reached.host() == "localhost");
        for (const std::string host : {"127.0.0.1", "::1", "localhost"}) {
            const communica::TcpConnector there(host, reached.port());
            const std::error_code error = co_await failure_of(there, executor);
            const bool is_absent = host == "::1" && error == asio::error::address_family_not_supported;
            CHECK((!error || is_absent));
        }
        listener->close();
        const std::error_code error = co_await failure_of(everywhere, executor);
        CHECK(error == communica::errc::invalid_argument);
    });
}

}  // namespace tcp_race_tests
