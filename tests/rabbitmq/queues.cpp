// Queues: what is read from the connect queue, who reads a client's, and what becomes of those that nobody needs.
#include "support/rabbitmq_pair.hpp"

#include <communica/connectors/rabbitmq/channel.hpp>
#include <communica/connectors/rabbitmq/dial_tcp.hpp>
#include <communica/connectors/rabbitmq/links.hpp>
#include <communica/connectors/rabbitmq/publisher.hpp>
#include <communica/connectors/rabbitmq/take_over.hpp>

#include <atomic>
#include <thread>

namespace rabbitmq_queues {

using communica::errc;
using communica::Error;
using communica::rabbitmq::Channel;
using communica::rabbitmq::ChannelUser;
using communica::rabbitmq::Kind;
using communica::rabbitmq::Links;
using communica::rabbitmq::Publication;
using communica::rabbitmq::Url;
using test::error_of;
using test::queue_exists;
using test::RabbitmqMeeting;
using test::RmqClient;
using test::RmqServer;
using test::shared_broker;
using namespace std::chrono_literals;

namespace {

/// Publishes whatever it is told to.
class Stranger {
 public:
    Stranger(asio::io_context& context, const RabbitmqMeeting& meeting)
        : dialer_(std::make_shared<communica::rabbitmq::Dialer>(
              communica::rabbitmq::Dialer{&communica::rabbitmq::dial_tcp})),
          link_(Links::get(context.get_executor(), Url::parse(meeting.url()), dialer_)),
          queue_("communica." + meeting.address() + ".connect.server") {}

    asio::awaitable<void> open() {
        channel_ = std::make_shared<Channel>(link_->get(std::make_shared<communica::rabbitmq::BrokerNotes>()),
                                             "communica", std::weak_ptr<ChannelUser>());
        co_await channel_->open();
    }
    void say(Kind kind, std::string body, std::string reply_to = "nowhere") {
        Publication publication{.kind = kind, .routing_key = queue_};
        publication.head = std::move(body);
        publication.reply_to = std::move(reply_to);
        channel_->publish(std::move(publication));
    }
    asio::awaitable<bool> close() {
        channel_->close();
        return channel_->closed(test::patience);
    }
    const std::shared_ptr<Channel>& channel() const { return channel_; }

 private:
    std::shared_ptr<communica::rabbitmq::Dialer> dialer_;
    std::shared_ptr<communica::rabbitmq::SharedLink> link_;
    std::string queue_;
    std::shared_ptr<Channel> channel_;
};

void declare_of_type(const std::string& queue, const std::string& type) {
    shared_broker().evaluate("rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"" + queue +
                             "\">>), true, false, [{<<\"x-queue-type\">>, longstr, <<\"" + type +
                             "\">>}], none, <<\"test\">>)");
}

}  // namespace

TEST_CASE("requests to connect that nobody can answer are dropped with a word, and hold nobody up") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    std::map<std::string, int> log;
    communica::ServerOptions options;
    options.log = [&](communica::LogLevel, std::string_view line) { ++log[std::string(line)]; };
    RmqServer server(context, meeting.at_server(), test::echoing(), options);
    RmqClient client(context, meeting.at_client("one"), test::quick_client("one"));
    Stranger stranger(context, meeting);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await stranger.open();
        for (int round = 0; round != 100; ++round) {
            stranger.say(Kind::connect_request, "this is not JSON");
            stranger.say(Kind::connect_request, "17");
            stranger.say(Kind::connect_request, "\"" + std::string(250, 'x') + "\"");
            stranger.say(Kind::connect_request, "\"somebody\"", "");
            stranger.say(Kind::message, "\"somebody\"");
            stranger.say(Kind::connect_request, "\"gone already\"");
        }
        CHECK_AWAITED(true, stranger.close());
        co_await client.connect();
        CHECK_AWAITED("here", client.request<std::string>("echo", "here"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(log["can't accept: a request to connect holds no client id, or one that is too long"] == 300);
    CHECK(log["can't accept: a request to connect does not say where to answer"] == 100);
    CHECK(log["can't accept: in the connect queue was something else than a request to connect"] == 100);
}

TEST_CASE("a queue is not read beside a reader that does not leave, whatever the type of the queue") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    const std::string type = GENERATE("none", "classic", "quorum");
    const std::string queue = meeting.queue_to_server(type);
    Stranger older(context, meeting);
    Stranger newer(context, meeting);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await older.open();
        if (type != "none") {
            declare_of_type(queue, type);
        }
        co_await older.channel()->declare_exchange();
        if (type == "none") {
            co_await older.channel()->declare_durable(queue);
        }
        co_await older.channel()->consume(queue, Channel::Acknowledge::later, true);

        co_await newer.open();
        const Error late = co_await error_of(communica::rabbitmq::take_over(newer.channel(), queue, "token"));
        CHECK(late.code == errc::connection_lost);
        CHECK(late.message.find("another still reads the queue " + queue) != std::string::npos);

        // Had both looked before either read:
        const Error both = co_await error_of(communica::rabbitmq::read_alone(newer.channel(), queue));
        CHECK(both.code == errc::connection_lost);
        INFO(both.message);
        CHECK((both.message.find("exclusive use") != std::string::npos ||
               both.message.find("another reads the queue") != std::string::npos));
        newer.channel()->close();
        CHECK_AWAITED(true, older.close());
        co_await newer.open();
        co_await communica::rabbitmq::take_over(newer.channel(), queue, "token");
        co_await communica::rabbitmq::read_alone(newer.channel(), queue);
        CHECK_AWAITED(true, newer.close());
    });
    test::run_out(context);
}

TEST_CASE("of two processes with the same id the newest counts, and the other knows it") {
    asio::io_context context;
    asio::io_context elsewhere;
    const RabbitmqMeeting meeting;
    RmqServer server(context, meeting.at_server(), test::echoing());
    RmqClient older(elsewhere, meeting.at_client("same"), test::quick_client("older"));
    RmqClient newer(context, meeting.at_client("same"), test::quick_client("newer"));
    std::jthread thread;
    const std::shared_ptr<void> stop(nullptr, [&](void*) { elsewhere.stop(); });  // also when something fails
    std::atomic<bool> is_at_work = false;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        older.start();
        older.request<std::string>("echo", "older", [&](const std::exception_ptr& error, const std::string&) {
            is_at_work = error == nullptr;
        });
        thread = std::jthread([&] { elsewhere.run(); });
        co_await test::until([&] { return is_at_work.load(); });
        co_await newer.connect();
        for (int number = 0; number != 20; ++number) {
            CHECK_AWAITED("newer", newer.request<std::string>("echo", "newer"));
        }
        co_await newer.close();
        co_await server.close();
    });
    thread.join();  // the older has stopped by itself
    CHECK(older.last_error().code == errc::replaced);
    test::run_out(context);
}

TEST_CASE("of two with the same id that come at once one is replaced, and the other is answered") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    RmqServer server(context, meeting.at_server(), test::echoing());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        for (int round = 0; round != 5; ++round) {
            const std::string id = "same-" + std::to_string(round);
            RmqClient one(context, meeting.at_client(id), test::quick_client("one"));
            RmqClient other(context, meeting.at_client(id), test::quick_client("other"));
            const auto is_replaced = [](const RmqClient& client) { return client.last_error().code == errc::replaced; };
            one.start();
            other.start();
            co_await test::until([&] { return is_replaced(one) || is_replaced(other); });
            RmqClient& left = is_replaced(one) ? other : one;
            CHECK_AWAITED("here", left.request<std::string>("echo", "here", {.idempotent = true}));
            CHECK_FALSE(is_replaced(left));
            co_await one.close();
            co_await other.close();
        }
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("the queues of a client that does not come back are deleted, not those of one that does") {
    asio::io_context context;
    communica::RmqOptions options;
    options.keep_queues = 1s;
    const RabbitmqMeeting meeting(shared_broker().url(), options);
    RmqServer server(context, meeting.at_server(), test::echoing());
    RmqClient gone(context, meeting.at_client("gone"), test::quick_client("gone"));
    auto options_back = test::quick_client("back");
    int disconnects = 0;
    options_back.on_disconnect = [&](const communica::Error&) { ++disconnects; };
    RmqClient back(context, meeting.at_client("back"), options_back);
    const auto queues = [&](const std::string& id) {
        return std::pair(queue_exists(shared_broker(), meeting.queue_to_client(id)),
                         queue_exists(shared_broker(), meeting.queue_to_server(id)));
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await gone.connect();
        co_await back.connect();
        co_await back.close();
        co_await back.connect();  // what it was away for counts no more
        co_await gone.close();
        co_await back.close();
        co_await back.connect();
        CHECK(queues("gone") == std::pair(true, true));
        disconnects = 0;
        co_await test::until([&] { return queues("gone") == std::pair(false, false); });
        CHECK(queues("back") == std::pair(true, true));
        CHECK(disconnects == 0);  // it shares the link over which the others were deleted
        CHECK_AWAITED("back", back.request<std::string>("echo", "back"));
        co_await gone.connect();  // and they are made again
        CHECK_AWAITED("again", gone.request<std::string>("echo", "again"));
        co_await gone.close();
        co_await back.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("the queues of a client that is away are kept while somebody reads one of them") {
    asio::io_context context;
    communica::RmqOptions options;
    options.keep_queues = 1s;
    const RabbitmqMeeting meeting(shared_broker().url(), options);
    RmqServer server(context, meeting.at_server(), test::echoing());
    RmqClient elsewhere(context, meeting.at_client("elsewhere"), test::quick_client("elsewhere"));
    RmqClient gone(context, meeting.at_client("gone"), test::quick_client("gone"));
    Stranger reader(context, meeting);
    const auto exist = [&](const std::string& id) {
        return std::pair(queue_exists(shared_broker(), meeting.queue_to_client(id)),
                         queue_exists(shared_broker(), meeting.queue_to_server(id)));
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await elsewhere.connect();
        co_await elsewhere.close();
        co_await reader.open();
        co_await communica::rabbitmq::read_alone(reader.channel(), meeting.queue_to_client("elsewhere"));
        co_await gone.connect();
        co_await gone.close();
        co_await test::until([&] { return exist("gone") == std::pair(false, false); });
        CHECK(exist("elsewhere") == std::pair(true, true));  // its time came before
        CHECK_AWAITED(true, reader.close());
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace rabbitmq_queues
