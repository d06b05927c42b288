// What it takes to get to a server through a broker, and what is said when it can't be.
#include "support/errors.hpp"
#include "support/rabbitmq_pair.hpp"

namespace rabbitmq_connecting {

using communica::errc;
using communica::Error;
using communica::RmqConnector;
using test::ask_at;
using test::Broker;
using test::echoing;
using test::error_of;
using test::RabbitmqMeeting;
using test::RmqClient;
using test::RmqServer;
using test::shared_broker;
using test::starting_at;
using namespace std::chrono_literals;

namespace {

/// The broker's URL with something else instead of `guest:guest@` and behind the last slash.
std::string url_with(const std::string& user, const std::string& rest = {}) {
    const std::string& url = shared_broker().url();
    const std::string host = url.substr(url.find('@') + 1);
    return "amqp://" + user + "@" + host + rest;
}

}  // namespace

TEST_CASE("a broker that does not take the password says so, and a client does not try again") {
    const Error refused = starting_at(RabbitmqMeeting(url_with("guest:secret")));
    CHECK(refused.code == errc::authentication_failed);
    CHECK(refused.message.find("ACCESS_REFUSED") != std::string::npos);
    CHECK(refused.message.find("secret") == std::string::npos);

    asio::io_context context;
    std::string log;
    communica::ClientOptions options = test::quick_client();
    options.log = [&](communica::LogLevel, std::string_view line) { log += line; };
    test::run(context, [&]() -> asio::awaitable<void> {
        const RabbitmqMeeting meeting(url_with("guest:secret"));
        RmqClient client(context, meeting.at_client("one"), options);
        const Error error = co_await error_of(client.connect());
        CHECK(error.code == errc::authentication_failed);
        CHECK(meeting.at_client("one").address().find("secret") == std::string::npos);
    });
    test::run_out(context);
    CHECK(log.find("guest:***@") != std::string::npos);
    CHECK(log.find("secret") == std::string::npos);
}

TEST_CASE("a virtual host that is not there is named in the broker's words") {
    const Error error = starting_at(RabbitmqMeeting(url_with("guest:guest", "nowhere")));
    CHECK(error.code == errc::handshake_failed);
    CHECK(error.message.find("vhost nowhere not found") != std::string::npos);
}

TEST_CASE("user, password and virtual host may hold any character, percent-encoded") {
    shared_broker().ctl("add_vhost 'a/b c'");
    shared_broker().ctl("add_user 'us@er' 'p:ss/w%rd'");
    shared_broker().ctl("set_permissions -p 'a/b c' 'us@er' '.*' '.*' '.*'");
    ask_at(RabbitmqMeeting(url_with("us%40er:p%3Ass%2Fw%25rd", "a%2Fb%20c")));
}

TEST_CASE("of several hosts the first that is there is taken") {
    const std::string& url = shared_broker().url();
    const std::string host = url.substr(url.find('@') + 1);
    ask_at(RabbitmqMeeting("amqp://guest:guest@127.0.0.1:1,localhost:1," + host));
    const Error nobody = starting_at(RabbitmqMeeting("amqp://127.0.0.1:1,127.0.0.1:2"));
    CHECK(nobody.code == asio::error::connection_refused);
}

TEST_CASE("where the first of two hosts is silent a client gets to the other, however long it waits for a connection") {
    asio::io_context context;
    asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});  // the system takes up what comes
    const std::string& url = shared_broker().url();
    const std::string hosts =
        "127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "," + url.substr(url.find('@') + 1);
    const RabbitmqMeeting meeting("amqp://guest:guest@" + hosts);
    communica::ClientOptions options;
    SECTION("as long as it does by default") {}
    SECTION("for a shorter time than a host has") { options.connect_timeout = 1s; }
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqServer server(context, RmqConnector(url, meeting.address()), echoing());
        co_await server.start();
        RmqClient client(context, meeting.at_client("one"), options);
        const auto begin = std::chrono::steady_clock::now();
        co_await client.connect();
        CHECK(std::chrono::steady_clock::now() - begin < 10s);
        CHECK_AWAITED("hello", client.request<std::string>("echo", "hello"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a server of another protocol is no broker") {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    const std::string url = "amqp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    test::run(context, [&]() -> asio::awaitable<void> {
        std::optional<Error> error;
        RmqServer server(context, RabbitmqMeeting(url).at_server(), echoing());
        server.start([&](std::exception_ptr failure) { error = Error::from(failure); });
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        const std::string text = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
        co_await test::until([&] { return error.has_value(); });
        CHECK(error->code == errc::protocol_error);
    });
    test::run_out(context);
}

TEST_CASE("a broker that answers nothing is given up, and a client that is stopped meanwhile stops") {
    asio::io_context context;
    asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
    const std::string url = "amqp://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqClient client(context, RabbitmqMeeting(url).at_client("one"), test::quick_client());
        const Error late = co_await error_of(client.connect({.timeout = 50ms}));
        CHECK(late.code == errc::timeout);
        client.start();
        auto first = co_await silent.async_accept(asio::use_awaitable);
        auto second = co_await silent.async_accept(asio::use_awaitable);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a client may be there before its server, and before there ever was one") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    RmqServer server(context, meeting.at_server(), echoing());
    RmqClient client(context, meeting.at_client("one"), test::quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        const Error late = co_await error_of(client.connect({.timeout = 100ms}));
        CHECK(late.code == errc::timeout);
        CHECK(late.message.find("no server has listened") != std::string::npos);
        std::string answer;
        client.connect([&](std::exception_ptr) {
            client.request<std::string>("echo", "3", [&](std::exception_ptr, std::string text) { answer = text; });
        });
        co_await server.start();
        co_await test::until([&] { return answer == "3"; });
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a connector that can't be used says so at once") {
    const auto make = [](const std::string& url, std::string address, std::string id = {}) {
        return test::code_of([&] { return RmqConnector(url, std::move(address), std::move(id)); });
    };
    CHECK(make("amqp://localhost", "calculator", "one") == std::error_code());
    CHECK(make("http://localhost", "calculator") == errc::invalid_argument);
    CHECK(make("amqps://localhost", "calculator") == errc::invalid_argument);  // without a dialer
    CHECK(make("amqp://localhost", "") == errc::invalid_argument);
    CHECK(make("amqp://localhost", "calculator", "\xff") == errc::invalid_argument);
    CHECK(make("amqp://localhost", std::string(200, 'a'), std::string(24, 'c')) == std::error_code());
    CHECK(make("amqp://localhost", std::string(200, 'a'), std::string(25, 'c')) == errc::invalid_argument);

    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqClient client(context, RabbitmqMeeting().at_server(), test::quick_client());
        const Error error = co_await error_of(client.connect({.timeout = 100ms}));
        CHECK(error.message.find("client_id") != std::string::npos);
    });
}

TEST_CASE("a connector's state is loaded by another process, with the client id of its own") {
    const RmqConnector connector("amqp://me:secret@localhost:1234/here", "calculator", "", "elsewhere");
    CHECK(connector.dump_state() ==
          R"({"type": "RABBITMQ", "url": "amqp://me:secret@localhost:1234/here", "address": "calculator", )"
          R"("client_id": null, "exchange_name": "elsewhere"})");
    CHECK(connector.address() == "amqp://me:***@localhost:1234/here calculator");
    const RmqConnector loaded = RmqConnector::load_state(connector.dump_state(), "worker");
    CHECK(loaded.client_id() == "worker");
    CHECK(RmqConnector::load_state(loaded.dump_state(), "other").client_id() == "worker");
    CHECK(loaded.address() == connector.address());

    const auto load = [](const std::string& state) {
        return test::code_of([&] { return RmqConnector::load_state(state); });
    };
    CHECK(load(R"({"type": "RABBITMQ", "url": "amqp://h", "address": "a"})") == std::error_code());
    CHECK(load(R"({"type": "RABBITMQ", "url": "amqp://h"})") == errc::invalid_state);
    CHECK(load(R"({"type": "RABBITMQ", "url": "nonsense", "address": "a"})") == errc::invalid_state);
    CHECK(load(R"({"type": "TcpConnector", "host": "h", "port": 1})") == errc::invalid_state);
}

}  // namespace rabbitmq_connecting
