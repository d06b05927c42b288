// What may happen to a broker, to its queues and to the processes around it: every request ends in its time.
#include "support/rabbitmq_pair.hpp"
#include "support/watched_requests.hpp"

namespace rabbitmq_faults {

using communica::errc;
using communica::Error;
using test::Broker;
using test::echoing;
using test::error_of;
using test::queue_type;
using test::RabbitmqMeeting;
using test::RmqClient;
using test::RmqServer;
using test::Routes;
using test::shared_broker;
using test::WatchedRequests;
using namespace std::chrono_literals;

namespace {

communica::ClientOptions patient_client(std::string id) {
    auto options = test::quick_client(std::move(id));
    options.backoff = communica::BackoffOptions{.first = 50ms, .most = 500ms};
    return options;
}

/// A server and a client between which 16 requests are always under way, both ways.
class Load {
 public:
    explicit Load(const RabbitmqMeeting& meeting)
        : server(context, meeting.at_server(), echoing()),
          client(context, meeting.at_client("one"), echoing(), patient_client("one")) {}

    /// Does `harm`, a coroutine, while requests are under way; then goes on until 200 more were answered.
    template <class Harm>
    void survive(Harm harm) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await client.connect();
            auto peer = server.client("one");
            for (int number = 0; number != 8; ++number) {
                ask(client);
                ask(peer);
            }
            co_await answers(100);
            co_await harm();
            co_await answers(200);
            stopping_ = true;
            co_await test::until([&] { return requests.all_ended(); });
            co_await client.close();
            co_await server.close();
        });
        test::run_out(context);
        CHECK_WATCHED(requests);
    }

    asio::awaitable<void> answers(int count) {
        return test::until([this, goal = requests.right + count] { return requests.right >= goal; });
    }

    asio::io_context context;
    RmqServer server;
    RmqClient client;
    WatchedRequests requests;

 private:
    template <class Asker>
    void ask(Asker& asker) {
        requests.echo(asker, 100, {.timeout = 3s}, [this, &asker] {
            if (!stopping_) {
                asio::post(context, [this, &asker] { ask(asker); });
            }
        });
    }

    bool stopping_ = false;
};

/// A client that has to stay connected, whatever happens to others over its link.
class Bystander {
 public:
    Bystander(asio::io_context& context, const RabbitmqMeeting& meeting)
        : client(context, meeting.at_client("bystander"), options()) {}

    RmqClient client;
    int disconnects = 0;

 private:
    communica::ClientOptions options() {
        auto result = patient_client("bystander");
        result.on_disconnect = [this](const Error&) { ++disconnects; };
        return result;
    }
};

/// A server and two clients, one of which comes to harm.
template <class Harm>
void harm_one(const RabbitmqMeeting& meeting, Harm harm) {
    asio::io_context context;
    RmqServer server(context, meeting.at_server(), test::echoing());
    RmqClient victim(context, meeting.at_client("victim"), patient_client("victim"));
    Bystander bystander(context, meeting);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await victim.connect();
        co_await bystander.client.connect();
        co_await harm(victim);
        CHECK_AWAITED("well", bystander.client.request<std::string>("echo", "well"));
        CHECK(bystander.disconnects == 0);
        co_await bystander.client.close();
        co_await victim.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace

TEST_CASE("a client that closes while the broker has no memory harms no other on its link") {
    Broker broker;
    const RabbitmqMeeting meeting(broker.url());
    harm_one(meeting, [&](RmqClient& victim) -> asio::awaitable<void> {
        broker.raise_memory_alarm();
        const Error error = co_await error_of(victim.request<std::string>("echo", "x", {.timeout = 500ms}));
        CHECK(error.code == errc::timeout);
        co_await victim.close();
        broker.clear_memory_alarm();
    });
}

TEST_CASE("messages that the broker rejects cost their sender its connection, and no other on its link") {
    const RabbitmqMeeting meeting;
    harm_one(meeting, [&](RmqClient& victim) -> asio::awaitable<void> {
        CHECK_AWAITED("here", victim.request<std::string>("echo", "here"));  // its queues are there, too
        if (queue_type(shared_broker(), meeting.queue_to_server("victim")) != "rabbit_classic_queue") {
            WARN("skipped: a quorum queue that is read at once rejects nothing");
            co_return;
        }
        shared_broker().ctl("set_policy full '" + meeting.queue_to_server("victim") +
                            R"(' '{"max-length": 0, "overflow": "reject-publish"}' --apply-to queues)");
        const Error error = co_await error_of(victim.request<std::string>("echo", "x", {.timeout = 2s}));
        CHECK(error.code == errc::timeout);
        shared_broker().ctl("clear_policy full");
        CHECK_AWAITED("again", victim.request<std::string>("echo", "again"));
    });
}

TEST_CASE("large messages, of which the broker takes one too large amiss, harm no other on their link") {
    Broker broker({.settings = {"max_message_size = 300000"}});
    const RabbitmqMeeting meeting(broker.url());
    harm_one(meeting, [&](RmqClient& victim) -> asio::awaitable<void> {
        int ended = 0;
        for (const std::size_t size : {200'000U, 400'000U, 250'000U, 250'000U, 250'000U, 250'000U}) {
            victim.request<std::string>("echo", std::string(size, 'x'), {.timeout = 2s},
                                        [&](std::exception_ptr, std::string) { ++ended; });
        }
        co_await test::until([&] { return ended == 6; });
        CHECK_AWAITED("again", victim.request<std::string>("echo", "again"));
    });
}

TEST_CASE("a handler may take longer than the broker waits for acknowledgements") {
    Broker broker;
    for (const std::string setting :
         {"consumer_timeout, 1000", "channel_tick_interval, 200", "quorum_tick_interval, 200"}) {
        broker.evaluate("application:set_env(rabbit, " + setting +
                        ")");  // as it is for channels and queues from now on
    }
    asio::io_context context;
    const RabbitmqMeeting meeting(broker.url());
    Routes routes = echoing();
    routes.add("slow", [](int number) -> asio::awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 4s);
        co_await timer.async_wait(asio::use_awaitable);
        co_return number;
    });
    std::vector<std::string> endings;
    auto options = patient_client("one");
    options.on_disconnect = [&](const Error& ending) { endings.push_back(ending.text()); };
    RmqServer server(context, meeting.at_server(), routes);
    RmqClient client(context, meeting.at_client("one"), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        CHECK_AWAITED(7, client.request<int>("slow", 7));
        CHECK(endings == std::vector<std::string>());
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("entities and their context may be destroyed in the middle of a large message, and leave nothing") {
    asio::io_context context;
    Broker broker({.settings = {"max_message_size = 134217728"}});
    const RabbitmqMeeting meeting(broker.url());
    RmqServer server(context, meeting.at_server(), test::echoing());
    RmqClient client(context, meeting.at_client("one"), patient_client("one"));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        client.request<std::string>("echo", std::string(8'000'000, 'x'), [](std::exception_ptr, std::string) {});
        co_await test::until([count = 0]() mutable { return ++count == 20; });
    });  // the sanitizers look for what is left
}

TEST_CASE("a broker that is stopped and started under load, and one that is killed, lose no request") {
    Broker broker;
    Load load{RabbitmqMeeting(broker.url())};
    load.survive([&]() -> asio::awaitable<void> {
        broker.stop();
        broker.start();
        co_await load.answers(100);
        broker.kill();
        broker.start();
    });
}

TEST_CASE("a link that the broker closes is made anew") {
    Broker broker;
    Load load{RabbitmqMeeting(broker.url())};
    load.survive([&]() -> asio::awaitable<void> {
        for (int round = 0; round != 3; ++round) {
            broker.ctl("close_all_connections 'the operator wants it'");
            co_await load.answers(100);
        }
    });
}

TEST_CASE("queues that are deleted are made anew") {
    const RabbitmqMeeting meeting;
    Load load(meeting);
    load.survive([&]() -> asio::awaitable<void> {
        for (const std::string& queue : {meeting.queue_to_server("one"), meeting.queue_to_client("one"),
                                         "communica." + meeting.address() + ".connect.server"}) {
            shared_broker().ctl("delete_queue " + queue);
            co_await load.answers(100);
        }
    });
}

TEST_CASE("while the broker has no memory requests end in their time and nothing blocks, then all goes on") {
    Broker broker;
    const RabbitmqMeeting meeting(broker.url());
    Load load(meeting);
    std::chrono::steady_clock::duration longest{};
    load.survive([&]() -> asio::awaitable<void> {
        broker.raise_memory_alarm();
        const int failed = load.requests.failed();
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (std::chrono::steady_clock::now() < end) {
            const auto begin = std::chrono::steady_clock::now();
            co_await asio::post(load.context, asio::use_awaitable);
            longest = std::max(longest, std::chrono::steady_clock::now() - begin);
        }
        CHECK(load.requests.failed() > failed);
        broker.clear_memory_alarm();
    });
    CHECK(longest < 500ms);  // a blocking socket stood still for as long as the alarm
}

TEST_CASE("what was sent while no server was there is handed to the next one") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    std::vector<int> noted;
    Routes routes = echoing();
    routes.add("note", [&](int number) { noted.push_back(number); });
    test::run(context, [&]() -> asio::awaitable<void> {
        std::optional<RmqServer> server(std::in_place, context, meeting.at_server(), routes);
        co_await server->start();
        RmqClient client(context, meeting.at_client("one"), patient_client("one"));
        co_await client.connect();
        CHECK_AWAITED("here", client.request<std::string>("echo", "here"));
        co_await server->close();
        server.reset();
        co_await test::until([&] { return !client.is_connected(); });
        for (int number = 0; number != 10; ++number) {
            client.notify("note", number, asio::detached);
        }
        std::string answer;
        client.request<std::string>("echo", "later", {.timeout = 20s},
                                    [&](std::exception_ptr, std::string text) { answer = std::move(text); });
        server.emplace(context, meeting.at_server(), routes);
        co_await server->start();
        co_await test::until([&] { return answer == "later" && noted.size() == 10; });
        CHECK(noted == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
        co_await client.close();
        co_await server->close();
    });
    test::run_out(context);
}

TEST_CASE("a request that no queue takes ends at once, and its connection is made anew") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    test::run(context, [&]() -> asio::awaitable<void> {
        RmqServer server(context, meeting.at_server(), echoing());
        co_await server.start();
        RmqClient client(context, meeting.at_client("one"), patient_client("one"));
        co_await client.connect();
        CHECK_AWAITED("here", client.request<std::string>("echo", "here"));
        // Unbound, the queue is there and read, but nothing reaches it.
        shared_broker().evaluate(
            "rabbit_binding:remove({binding, rabbit_misc:r(<<\"/\">>, exchange, <<\"communica\">>), <<\"" +
            meeting.queue_to_server("one") + "\">>, rabbit_misc:r(<<\"/\">>, queue, <<\"" +
            meeting.queue_to_server("one") + "\">>), []}, <<\"test\">>)");
        const auto begin = std::chrono::steady_clock::now();
        const Error error = co_await error_of(client.request<std::string>("echo", "nowhere"));
        CHECK(error.code == errc::not_connected);
        CHECK(error.message.find("toServer") != std::string::npos);
        CHECK(std::chrono::steady_clock::now() - begin < 10s);  // of 30
        CHECK_AWAITED("again", client.request<std::string>("echo", "again"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace rabbitmq_faults
