// Who shares a link to the broker, and how long it lives.
#include "support/rabbitmq_pair.hpp"

#include <list>

namespace rabbitmq_links {

using communica::errc;
using communica::Error;
using test::Broker;
using test::connection_count;
using test::echoing;
using test::RabbitmqMeeting;
using test::RmqClient;
using test::RmqServer;
using test::shared_broker;
using namespace std::chrono_literals;

namespace {

/// The broker counts a connection a little later than it is opened, or closed.
asio::awaitable<void> connections_become(int count) {
    co_await test::until([count] { return connection_count(shared_broker()) == count; });
}

}  // namespace

TEST_CASE("all who talk to one broker on one executor share a link, which ends with the last of them") {
    const int before = connection_count(shared_broker());
    asio::io_context context;
    const RabbitmqMeeting meeting;
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqServer server(context, meeting.at_server(), echoing());
        co_await server.start();
        std::list<RmqClient> clients;
        for (int number = 0; number != 20; ++number) {
            const std::string id = std::to_string(number);
            co_await clients.emplace_back(context, meeting.at_client(id), test::quick_client(id)).connect();
        }
        co_await connections_become(before + 1);
        for (auto& client : clients) {
            CHECK_AWAITED("shared", client.request<std::string>("echo", "shared"));
            co_await client.close();
        }
        co_await connections_become(before + 1);
        co_await server.close();
    });
    test::run_out(context);
    test::run(context, [&]() -> asio::awaitable<void> { co_await connections_become(before); });
}

TEST_CASE("another user, and another executor, have links of their own") {
    shared_broker().ctl("add_user other secret");
    shared_broker().ctl("set_permissions other '.*' '.*' '.*'");
    const std::string& url = shared_broker().url();
    const int before = connection_count(shared_broker());
    asio::io_context context;
    asio::io_context elsewhere;
    const RabbitmqMeeting meeting;
    const communica::RmqConnector as_other("amqp://other:secret@" + url.substr(url.find('@') + 1), meeting.address(),
                                           "two");
    RmqServer server(context, meeting.at_server(), echoing());
    RmqClient one(context, meeting.at_client("one"), test::quick_client("one"));
    RmqClient two(context, as_other, test::quick_client("two"));
    RmqClient three(elsewhere, meeting.at_client("three"), test::quick_client("three"));
    std::thread thread;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        three.start();
        thread = std::thread([&] { elsewhere.run(); });
        co_await one.connect();
        co_await two.connect();
        co_await connections_become(before + 3);
        CHECK_AWAITED("two", two.request<std::string>("echo", "two"));
        CHECK_AWAITED("three", three.request<std::string>("echo", "three"));
        co_await one.close();
        co_await two.close();
        three.stop();
        co_await server.close();
    });
    thread.join();
    test::run_out(context);
}

TEST_CASE("heartbeats keep a link that says nothing, and end one whose broker says nothing") {
    Broker broker;
    asio::io_context context;
    const RabbitmqMeeting meeting(broker.url() + "?heartbeat=1");
    std::vector<std::string> log;
    communica::ClientOptions options = test::quick_client();
    options.on_disconnect = [&](const Error& ending) { log.push_back(ending.text()); };
    RmqServer server(context, meeting.at_server(), echoing());
    RmqClient client(context, meeting.at_client("one"), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        // The broker ends a connection after two missed heartbeats.
        asio::steady_timer four_seconds(context, 4s);
        co_await four_seconds.async_wait(asio::use_awaitable);
        CHECK(log.empty());
        broker.pause();
        co_await test::until([&] { return !log.empty(); });
        CHECK(log.front().find("no sign of life") != std::string::npos);
        broker.resume();
        co_await test::until([&] { return client.is_connected(); });
        CHECK_AWAITED("again", client.request<std::string>("echo", "again"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a link that nobody waits for any more is not opened") {
    asio::io_context context;
    asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
    const std::string url = "amqp://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
    const RabbitmqMeeting meeting(url);
    RmqClient client(context, meeting.at_client("one"), test::quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        auto socket = co_await silent.async_accept(asio::use_awaitable);
        co_await client.close();
        char byte = 0;
        for (asio::error_code error; !error;) {
            std::tie(error, std::ignore) = co_await socket.async_read_some(asio::buffer(&byte, 1), communica::no_throw);
        }
    });
    test::run_out(context);
}

}  // namespace rabbitmq_links
