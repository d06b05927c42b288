// Those who never get in are no trouble to those who are in, however often they come.
#include "support/latency.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/system.hpp"

#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>

#include <iostream>

namespace shared_key_floods {

using communica::SharedKey;
using test::Process;
using Clock = std::chrono::steady_clock;

namespace {

template <class Connector>
void ask_in_a_flood(const std::string& state, Connector connector, const std::string& key, const std::string& how) {
    const std::string port = std::to_string(nlohmann::json::parse(state).at("port").get<int>());
    asio::io_context context;
    communica::RouteClient client(context, with_key(std::move(connector), SharedKey(key)), test::Routes(),
                                  test::quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        const auto before = co_await test::latency(client);
        Process knocking("knocking", {port, how});
        knocking.expect("KNOCKING");
        const auto during = co_await test::latency(client);
        std::cout << "99 of 100 requests within " << test::milliseconds(before) << " ms, while others are " << how
                  << " within " << test::milliseconds(during) << " ms\n";
        CHECK(during < std::max<Clock::duration>(3 * before, test::latency_floor));
        knocking.kill();
        CHECK(knocking.wait() == test::killed);
        co_await client.close();
    });
    test::run_out(context);
}

}  // namespace

TEST_CASE("a flood of connections that are refused, or stay half open, leaves a good client its latency", "[alone]") {
    const std::string transport = GENERATE("TCP", "TLS");
    const std::string how = GENERATE("REFUSED", "HALF-OPEN");
    CAPTURE(transport, how);
    const std::string key = "a key that the knocking one has not";
    Process guarding("guarding", {transport, key});
    const std::string state = guarding.expect("READY");
    const test::OwnCore core(guarding.id());
    if (transport == "TCP") {
        ask_in_a_flood(state, communica::TcpConnector::load_state(state), key, how);
    } else {  // the certificate is of the other process's own authority
        const auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
        ask_in_a_flood(state, communica::TlsConnector::load_state(state, context, {.verify_server = false}), key, how);
    }
    guarding.end_input();
    CHECK(guarding.wait() == test::in_order);
}

}  // namespace shared_key_floods
