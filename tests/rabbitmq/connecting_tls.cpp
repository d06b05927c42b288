// A broker that is reached over TLS, and what is said when it can't be.
#include "support/errors.hpp"
#include "support/rabbitmq_pair.hpp"
#include "support/tls_broker.hpp"

#include <communica/connectors/rabbitmq/links.hpp>
#include <communica/connectors/rabbitmq_tls.hpp>

#include <asio/ssl/stream.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace rabbitmq_connecting_tls {

using communica::errc;
using communica::Error;
using communica::RmqOptions;
using communica::TlsOptions;
using communica::rabbitmq::over_tls;
using communica::rabbitmq::Url;
using test::RabbitmqMeeting;
using test::RmqClient;
using test::RmqServer;
using test::TlsBroker;
using Contexts = std::shared_ptr<asio::ssl::context>;
using namespace std::chrono_literals;

namespace {

/// One for all cases.
const TlsBroker& broker() {
    static const TlsBroker broker;
    return broker;
}

std::uint16_t tls_port() { return Url::parse(broker().url()).hosts.at(0).port; }
std::uint16_t plain_port() { return Url::parse(broker().broker().url()).hosts.at(0).port; }

std::string at_loopback(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

RabbitmqMeeting meeting_at(const std::string& url, Contexts context, TlsOptions tls = {}) {
    RmqOptions options;
    options.dialer = over_tls(std::move(context), std::move(tls));
    return RabbitmqMeeting(url, options);
}
/// As somebody who trusts the broker's authority.
RabbitmqMeeting meeting_at(const std::string& url) { return meeting_at(url, broker().trusting()); }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// Neither a server nor a client gets in there, for a reason that holds `why`, and nobody tells the password, `secret`.
void refused_at(const RabbitmqMeeting& meeting, errc code, const std::string& why) {
    const Error at_server = test::starting_at(meeting);
    CAPTURE(at_server.message, why);
    CHECK(at_server.code == code);
    CHECK(contains(at_server.message, why));
    CHECK_FALSE(contains(at_server.message, "secret"));

    asio::io_context context;
    std::string log;
    communica::ClientOptions options = test::quick_client();
    options.backoff = communica::BackoffOptions{.first = 1h};
    options.log = [&](communica::LogLevel, std::string_view line) { log += line; };
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqClient client(context, meeting.at_client("one"), options);
        client.start();
        co_await test::until([&] { return client.last_error().code != std::error_code(); });
        const Error at_client = client.last_error();
        CAPTURE(at_client.message, log);
        CHECK(at_client.code == code);
        CHECK(contains(at_client.message, why));
        CHECK_FALSE(contains(at_client.message, "secret"));
        CHECK(contains(log, why));
        CHECK_FALSE(contains(log, "secret"));
        co_await client.close();
    });
    test::run_out(context);
}

const std::string user = "amqps://guest:secret@";

/// A host that goes away as soon as it has shown who it is.
asio::awaitable<void> leave_after_handshake(asio::ip::tcp::acceptor& acceptor, asio::ssl::context& tls) {
    asio::ssl::stream<asio::ip::tcp::socket> stream(co_await acceptor.async_accept(asio::use_awaitable), tls);
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
}

}  // namespace

TEST_CASE("requests are answered over amqps, both ways, also large ones") {
    asio::io_context context;
    const RabbitmqMeeting meeting = meeting_at(broker().url());
    RmqServer server(context, meeting.at_server(), test::echoing());
    RmqClient client(context, meeting.at_client("one"), test::echoing(), test::quick_client("one"));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        CHECK_AWAITED("hello", client.request<std::string>("echo", "hello"));
        CHECK_AWAITED("back", server.client("one").request<std::string>("echo", "back"));
        const std::string large(5 * 1024 * 1024, 'x');
        const std::string answer = co_await client.request<std::string>("echo", large);
        CHECK((answer == large));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a broker's certificate has to name the host of the URL, or the name that is asked for") {
    const std::string elsewhere = user + "localhost:" + std::to_string(tls_port());
    refused_at(meeting_at(elsewhere), errc::authentication_failed,
               "TLS: the other side's certificate is refused: hostname mismatch");
    refused_at(meeting_at(broker().url(), broker().trusting(), {.server_name = "other.example"}),
               errc::authentication_failed, "TLS: the other side's certificate is refused: hostname mismatch");

    const std::string localhost = "amqps://localhost:" + std::to_string(tls_port());
    test::ask_at(meeting_at(localhost, broker().trusting(), {.server_name = "broker.example"}));
    test::ask_at(meeting_at(localhost, broker().trusting(), {.verify_server = false}));
}

TEST_CASE("a broker's certificate that nobody trusted vouches for is refused, whatever the context's verify mode") {
    const auto trusting_nobody = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    trusting_nobody->set_verify_mode(asio::ssl::verify_none);
    refused_at(meeting_at(user + at_loopback(tls_port()), trusting_nobody), errc::authentication_failed,
               "TLS: the other side's certificate is refused: ");
    test::ask_at(meeting_at(broker().url(), trusting_nobody, {.verify_server = false}));
}

TEST_CASE("a broker's port without TLS is told from one with it") {
    refused_at(meeting_at(user + at_loopback(plain_port())), errc::handshake_failed,
               "TLS: the other side does not speak TLS");
}

TEST_CASE("over TLS, too, a password that the broker does not take is its words alone") {
    refused_at(meeting_at(user + at_loopback(tls_port())), errc::authentication_failed, "ACCESS_REFUSED");
}

TEST_CASE("with the dialer an amqp URL is TLS, too") {
    test::ask_at(meeting_at("amqp://" + at_loopback(tls_port())));
    refused_at(meeting_at("amqp://guest:secret@" + at_loopback(plain_port())), errc::handshake_failed,
               "TLS: the other side does not speak TLS");
}

TEST_CASE("who shares a dialer shares a link to the broker") {
    asio::io_context context;
    const auto dialer = over_tls(broker().trusting());
    const auto link = [&](const std::shared_ptr<const communica::rabbitmq::Dialer>& its) {
        return communica::rabbitmq::Links::get(context.get_executor(), Url::parse(broker().url()), its);
    };
    const auto first = link(dialer);
    CHECK(first == link(dialer));
    CHECK(first != link(over_tls(broker().trusting())));
}

TEST_CASE("hosts that go away or say nothing leave the next one its turn") {
    asio::io_context context;
    asio::ip::tcp::acceptor leaving(context, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
    const RabbitmqMeeting meeting =
        meeting_at("amqps://" + at_loopback(leaving.local_endpoint().port()) + "," +
                   at_loopback(silent.local_endpoint().port()) + "," + at_loopback(tls_port()));
    const auto tls = broker().showing();
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqServer server(context, meeting.at_server(), test::echoing());
        std::optional<Error> ending;
        server.start([&](std::exception_ptr failure) { ending = failure ? Error::from(failure) : Error(); });
        co_await leave_after_handshake(leaving, *tls);
        const auto kept = co_await silent.async_accept(asio::use_awaitable);
        co_await test::until([&] { return ending.has_value(); });  // ten seconds later
        CHECK(ending->message == "");
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a dialer without an ssl context is none") {
    CHECK(test::code_of([] { return over_tls(nullptr); }) == errc::invalid_argument);
}

}  // namespace rabbitmq_connecting_tls
