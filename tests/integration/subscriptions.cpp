// Subscriptions: streams that go on over the next connection, and topics, which many of them follow.
#include "support/pair.hpp"
#include "support/relay.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace subscriptions {

using communica::errc;
using communica::Error;
using communica::Published;
using communica::Route;
using communica::SlowSubscriber;
using communica::Stream;
using communica::Topic;
using test::error_of;
using test::RoutePair;
using test::Routes;
using test::Transport;
using namespace std::chrono_literals;

namespace {

constexpr Route<Stream<Published<int>>(std::string)> ticks{"ticks"};
constexpr Route<Stream<int>()> numbers{"numbers"};

Routes following(Topic<int>& topic, SlowSubscriber slow = SlowSubscriber::drop_oldest) {
    Routes routes;
    routes.add(ticks,
               [&topic, slow](const std::string&, communica::Context& context) { return topic.follow(context, slow); });
    return routes;
}

asio::awaitable<void> until_followed(const Topic<int>& topic, std::size_t by) {
    co_await test::until([&topic, by] { return topic.subscribers() == by; });
}

/// A client whose connections can be cut.
struct RelayedClient {
    explicit RelayedClient(RoutePair& pair)
        : relay(pair.context, pair.server.connector_state()),
          client(pair.context, relay.connector(), {}, test::quick_client("subscriber")) {}

    test::Relay relay;
    test::RouteClient client;
};

void publish_once_followed(asio::io_context& context, Topic<int>& topic, std::vector<int> values) {
    test::spawn(context, [](Topic<int>& to, std::vector<int> all) -> asio::awaitable<void> {
        co_await until_followed(to, 1);
        for (const int value : all) {
            to.publish(value);
        }
    }(topic, std::move(values)));
}

template <class Subscription>
asio::awaitable<std::vector<int>> take(Subscription& subscription, int count) {
    std::vector<int> items;
    for (int number = 0; number != count; ++number) {
        const auto item = co_await subscription.next();
        items.push_back(item.value());
    }
    co_return items;
}

using Ints = std::vector<int>;

}  // namespace

TEST_CASE("what is published comes to all who subscribe, in order, and ends with the topic") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Topic<int> topic;
    RoutePair pair(transport, following(topic));
    pair.run([&]() -> asio::awaitable<void> {
        auto first = pair.client().subscribe(ticks, "ACME");
        auto second = pair.client().subscribe(ticks, "ACME");
        test::Event both_done;
        int ended = 0;
        const auto read = [&](communica::Subscription<Published<int>>& subscription, Ints& into) {
            return [](auto& s, Ints& all, int& done, test::Event& event) -> asio::awaitable<void> {
                while (const auto item = co_await s.next()) {
                    all.push_back(*item);
                }
                if (++done == 2) {
                    event.set();
                }
            }(subscription, into, ended, both_done);
        };
        Ints at_first;
        Ints at_second;
        test::spawn(pair.context, read(first, at_first));
        test::spawn(pair.context, read(second, at_second));
        co_await until_followed(topic, 2);
        Ints expected;
        for (int number = 0; number != 500; ++number) {
            topic.publish(number);
            expected.push_back(number);
        }
        topic.close();
        co_await both_done.wait();
        CHECK(at_first == expected);
        CHECK(at_second == expected);
        CHECK(topic.subscribers() == 0);
        CHECK(first.reopened() == 0);
    });
}

TEST_CASE("who comes later gets the last items first, as many as the topic is told to keep for that") {
    Topic<int> topic({.history = 3});
    for (int number = 0; number != 10; ++number) {
        topic.publish(number);
    }
    RoutePair pair(Transport::local, following(topic));
    pair.run([&]() -> asio::awaitable<void> {
        auto subscription = pair.client().subscribe(ticks, "ACME");
        const Ints last = co_await take(subscription, 3);
        CHECK(last == Ints{7, 8, 9});
        CHECK(subscription.gaps().items == 0);
    });
}

TEST_CASE("a subscription goes on behind its last item after a lost connection, and says what was missed") {
    Topic<int> topic({.capacity = 4});
    RoutePair pair(Transport::tcp, following(topic));
    pair.run([&]() -> asio::awaitable<void> {
        RelayedClient relayed(pair);
        auto& [relay, client] = relayed;
        auto subscription = client.subscribe(ticks, "ACME");
        publish_once_followed(pair.context, topic, {0, 1});
        const Ints before = co_await take(subscription, 2);
        CHECK(before == Ints{0, 1});
        relay.cut();
        co_await until_followed(topic, 0);
        topic.publish(2);
        topic.publish(3);
        const Ints after = co_await take(subscription, 2);
        CHECK(after == Ints{2, 3});
        CHECK(subscription.reopened() == 1);
        CHECK(subscription.gaps().items == 0);
        relay.cut();
        co_await until_followed(topic, 0);
        for (int number = 4; number != 14; ++number) {
            topic.publish(number);
        }
        const Ints last = co_await take(subscription, 4);
        CHECK(last == Ints{10, 11, 12, 13});
        CHECK(subscription.reopened() == 2);
        CHECK(subscription.gaps().items == 6);
        CHECK(subscription.gaps().unknown == 0);
        co_await client.close();
    });
}

TEST_CASE("a subscription outlives its server") {
    const auto transport = GENERATE(test::transports_of({Transport::local, Transport::memory}));
    CAPTURE(transport);
    asio::io_context context;
    test::Meeting meeting(transport);
    auto topic = std::make_unique<Topic<int>>();
    auto server = std::make_unique<test::RouteServer>(context, meeting.at_server(), following(*topic));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server->start();
        test::RouteClient client(context, meeting.at_client(*server), {}, test::quick_client());
        auto subscription = client.subscribe(ticks, "ACME");
        std::optional<int> item;
        test::Event has_come;
        const auto read = [&] {
            return [](auto& s, auto& into, test::Event event) -> asio::awaitable<void> {
                into = co_await s.next();
                event.set();
            }(subscription, item, has_come);
        };
        test::spawn(context, read());
        co_await until_followed(*topic, 1);
        topic->publish(1);
        co_await has_come.wait();
        CHECK(item == 1);

        co_await server->close();
        has_come = {};
        test::spawn(context, read());
        topic->publish(2);
        topic->publish(3);
        co_await server->start();
        co_await has_come.wait();
        CHECK(item == 2);
        const Ints rest = co_await take(subscription, 1);
        CHECK(rest == Ints{3});
        CHECK(subscription.gaps().items == 0);
        CHECK(subscription.gaps().unknown == 0);
        co_await client.close();
        co_await server->close();
    });
}

TEST_CASE("a token of another topic is known as such") {
    Topic<int> first;
    Topic<int> second;
    bool is_second = false;
    Routes routes;
    routes.add(ticks, [&](const std::string&, communica::Context& context) {
        return (is_second ? second : first).follow(context);
    });
    RoutePair pair(Transport::tcp, routes);
    pair.run([&]() -> asio::awaitable<void> {
        RelayedClient relayed(pair);
        auto& [relay, client] = relayed;
        auto subscription = client.subscribe(ticks, "ACME");
        publish_once_followed(pair.context, first, {1});
        co_await subscription.next();
        is_second = true;
        second.publish(20);
        relay.cut();
        const Ints next = co_await take(subscription, 1);
        CHECK(next == Ints{20});
        CHECK(subscription.gaps().unknown == 1);
        co_await client.close();
    });
}

TEST_CASE("a slow subscriber is told what it has missed, gets the latest, or is given up, as the topic is told") {
    const auto slow = GENERATE(SlowSubscriber::drop_oldest, SlowSubscriber::latest, SlowSubscriber::fail);
    CAPTURE(static_cast<int>(slow));
    constexpr int count = 20'000;
    Topic<int> topic({.capacity = 10});
    RoutePair pair(Transport::local, following(topic, slow));
    pair.run([&]() -> asio::awaitable<void> {
        auto stream = co_await pair.client().open(ticks, "ACME");
        co_await until_followed(topic, 1);
        for (int number = 0; number != count; ++number) {
            topic.publish(number);
            if (number % 5 == 0) {
                co_await asio::post(pair.context, asio::use_awaitable);
            }
        }
        topic.close();
        int received = 0;
        std::int64_t missed = 0;
        int last = -1;
        std::optional<Error> error;
        for (;;) {
            const auto item = co_await stream.try_next();
            if (!item) {
                error = item.error();
                break;
            }
            if (!*item) {
                break;
            }
            const auto& published = **item;
            CHECK(published.value == last + 1 + published.missed);
            last = published.value;
            missed += published.missed;
            ++received;
        }
        if (slow == SlowSubscriber::fail) {
            REQUIRE(error);
            CHECK(error->message == "too slow for what is published");
            CHECK(received < count);
        } else {
            CHECK_FALSE(error);
            CHECK(last == count - 1);
            CHECK(received + missed == count);
            CHECK(missed > 0);
        }
    });
}

TEST_CASE("a subscriber whom publishers wait for misses nothing, and one that is gone holds up none") {
    constexpr int count = 8'000;
    Topic<int> topic({.capacity = 10});
    RoutePair pair(Transport::local, following(topic, SlowSubscriber::wait));
    pair.run([&]() -> asio::awaitable<void> {
        co_await topic.ready();  // nobody is there
        auto stream = co_await pair.client().open(ticks, "ACME");
        auto idle = co_await pair.client().open(ticks, "ACME");
        co_await until_followed(topic, 2);
        int published = 0;
        test::spawn(pair.context, [](Topic<int>& to, int& number) -> asio::awaitable<void> {
            for (; number != count; ++number) {
                co_await to.ready();
                to.publish(number);
            }
        }(topic, published));
        // As many as the windows of the streams let through, which nobody reads.
        co_await test::until([&] { return published >= 1'000; });
        for (int turn = 0; turn != count; ++turn) {
            co_await asio::post(pair.context, asio::use_awaitable);
        }
        CHECK(published < count / 2);
        for (int number = 0; number != 100; ++number) {
            const auto item = co_await stream.next();
            CHECK((item && item->value == number && item->missed == 0));
        }
        idle.cancel();
        for (int number = 100; number != count; ++number) {
            const auto item = co_await stream.next();
            CHECK((item && item->value == number && item->missed == 0));
        }
        co_await test::until([&] { return published == count; });

        for (int number = 0; number != 20; ++number) {
            topic.publish(number);  // more than may be behind
        }
        asio::cancellation_signal cancel;
        std::optional<asio::error_code> cancelled;
        std::optional<asio::error_code> ended;
        const auto into = [&](auto& result) {
            return asio::bind_executor(pair.context, [&result](asio::error_code error) { result = error; });
        };
        topic.ready(asio::bind_cancellation_slot(cancel.slot(), into(cancelled)));
        topic.ready(into(ended));
        cancel.emit(asio::cancellation_type::total);
        topic.close();
        co_await test::until([&] { return cancelled && ended; });
        CHECK(cancelled == asio::error::operation_aborted);
        CHECK(ended == asio::error_code());
    });
}

TEST_CASE("a stream without tokens is opened again, too, but nobody knows what was missed") {
    int opened = 0;
    Routes routes;
    routes.add(numbers, [&]() -> Stream<int> {
        for (int number = 100 * ++opened;; ++number) {
            co_yield number;
        }
    });
    RoutePair pair(Transport::tcp, routes);
    pair.run([&]() -> asio::awaitable<void> {
        RelayedClient relayed(pair);
        auto& [relay, client] = relayed;
        auto subscription = client.subscribe(numbers);
        const Ints first = co_await take(subscription, 2);
        CHECK(first == Ints{100, 101});
        relay.cut();
        while (subscription.reopened() == 0) {
            co_await subscription.next();
        }
        const Ints second = co_await take(subscription, 1);
        CHECK(second == Ints{201});
        CHECK(subscription.gaps().unknown == 1);
        co_await client.close();
    });
}

TEST_CASE("what another connection can't mend ends a subscription") {
    Routes routes;
    routes.add(numbers, []() -> Stream<int> {
        co_yield 1;
        throw communica::RequesterError("no more", 410);
    });
    RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto subscription = pair.client().subscribe(numbers);
        const auto one = co_await subscription.next();
        CHECK(one == 1);
        const Error error = co_await error_of(subscription.next());
        CHECK(error.message == "no more");
        auto nowhere = pair.client().subscribe(Route<Stream<int>()>{"nowhere"});
        const Error unknown = co_await error_of(nowhere.next());
        CHECK(unknown.code == errc::requester_error);
        auto stopped = pair.client().subscribe(numbers);
        pair.client().stop();
        const Error closed = co_await error_of(stopped.next());
        CHECK(closed.code == errc::closed);
    });
}

}  // namespace subscriptions
