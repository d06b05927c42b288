// The broker that the other tests have, over TLS.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/tls_broker.hpp"

#include <communica/connectors/rabbitmq/frames.hpp>
#include <communica/connectors/rabbitmq/url.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>

#include <cstdint>

namespace rabbitmq_broker_tls_tests {

using communica::rabbitmq::Url;

namespace {

/// The type of the first frame that the broker sends.
asio::awaitable<char> greet(asio::ssl::context& tls, std::uint16_t port) {
    asio::ssl::stream<asio::ip::tcp::socket> stream(co_await asio::this_coro::executor, tls);
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    co_await stream.lowest_layer().async_connect(endpoint, asio::use_awaitable);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    const auto header = asio::buffer(communica::rabbitmq::protocol_header);
    co_await asio::async_write(stream, header, asio::use_awaitable);
    char type = 0;
    co_await asio::async_read(stream, asio::buffer(&type, 1), asio::use_awaitable);
    co_return type;
}

TEST_CASE("a broker that was started listens for TLS at once") {
    const test::TlsBroker over_tls;
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    const std::uint16_t port = Url::parse(over_tls.url()).hosts.at(0).port;
    CHECK(test::code_of([&] { socket.connect({asio::ip::address_v4::loopback(), port}); }) == std::error_code());
}

TEST_CASE("a broker with a certificate is reached over TLS and still without") {
    const test::TlsBroker over_tls;
    const test::Broker& broker = over_tls.broker();
    const Url url = Url::parse(broker.tls_url());
    CHECK(url.tls);
    CHECK(url.hosts.at(0).port != Url::parse(broker.url()).hosts.at(0).port);

    const auto tls = over_tls.trusting();
    tls->set_verify_mode(asio::ssl::verify_peer);
    asio::io_context context;
    char type = 0;
    test::run(context, [&]() -> asio::awaitable<void> { type = co_await greet(*tls, url.hosts.at(0).port); });
    CHECK(type == AMQP_FRAME_METHOD);
}

}  // namespace

}  // namespace rabbitmq_broker_tls_tests
