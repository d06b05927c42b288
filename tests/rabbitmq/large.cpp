// Large messages through a broker: whole, refused in words, and without holding anybody up.
#include "support/latency.hpp"
#include "support/rabbitmq_pair.hpp"
#include "support/relay.hpp"

#include <communica/serializers/bytes.hpp>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rabbitmq_large {

using communica::BytesSerializer;
using communica::errc;
using communica::Error;
using test::Broker;
using test::error_of;
using test::RabbitmqMeeting;
using test::shared_broker;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

using BytesServer = communica::SimpleServer<communica::RmqConnector, BytesSerializer>;
using BytesClient = communica::SimpleClient<communica::RmqConnector, BytesSerializer>;

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size; at += 4099) {
        bytes[at] = static_cast<char>(at / 4099);
    }
    return bytes;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// One that takes messages of up to 128 MiB, as each does before version 4, and who knows that.
Broker& broker_of_large() {
    static Broker broker({.settings = {"max_message_size = 134217728"}});
    return broker;
}
RabbitmqMeeting meeting_of_large() {
    communica::RmqOptions options;
    options.max_message = 128 * mebibyte;
    return RabbitmqMeeting(broker_of_large().url(), options);
}

/// How late a timer of a millisecond comes.
class Ticker {
 public:
    explicit Ticker(asio::io_context& context) : timer_(context) { wait(); }
    void stop() {
        stopped_ = true;
        timer_.cancel();
    }
    /// The delay that this part of all ticks does not exceed.
    std::chrono::microseconds late(double part) {
        std::sort(delays_.begin(), delays_.end());
        const auto index = static_cast<std::size_t>(static_cast<double>(delays_.size() - 1) * part);
        return std::chrono::duration_cast<std::chrono::microseconds>(delays_.at(index));
    }
    std::size_t count() const { return delays_.size(); }

 private:
    void wait() {
        timer_.expires_after(1ms);
        timer_.async_wait([this](asio::error_code error) {
            if (!error && !stopped_) {
                delays_.push_back(std::chrono::steady_clock::now() - timer_.expiry());
                wait();
            }
        });
    }

    asio::steady_timer timer_;
    std::vector<std::chrono::steady_clock::duration> delays_;
    bool stopped_ = false;
};

}  // namespace

TEST_CASE("messages of up to 64 MiB go both ways, whatever the size of frames") {
    asio::io_context context;
    const RabbitmqMeeting meeting = meeting_of_large();
    BytesServer server(context, meeting.at_server(), [](std::string bytes) { return bytes; });
    BytesClient client(context, meeting.at_client("one"), test::quick_client("one"));
    test::run(
        context,
        [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await client.connect();
            // A frame holds 131,064 bytes of a body.
            for (const std::size_t size :
                 {std::size_t{0}, std::size_t{1}, std::size_t{16383}, std::size_t{16384}, std::size_t{131000},
                  std::size_t{131064}, std::size_t{131065}, std::size_t{262144}, 8 * mebibyte, 64 * mebibyte - 200}) {
                const std::string bytes = pattern(size);
                const std::string answer = co_await client.request<std::string>(bytes, {.timeout = 60s});
                CHECK(answer.size() == size);
                CHECK((answer == bytes));
            }
            const Error error = co_await error_of(client.request<std::string>(pattern(64 * mebibyte)));
            CHECK(error.code == errc::message_too_large);
            CHECK_AWAITED("and on", client.request<std::string>("and on"));
            co_await client.close();
            co_await server.close();
        },
        2 * test::patience);
    test::run_out(context);
}

TEST_CASE("a message over the broker's limit fails in words, its connection lives on") {
    asio::io_context context;
    communica::RmqOptions options;
    options.max_message = 10'000;
    const RabbitmqMeeting meeting(shared_broker().url(), options);
    BytesServer server(context, meeting.at_server(), [](std::string bytes) { return bytes + bytes; });
    BytesClient client(context, meeting.at_client("one"), test::quick_client("one"));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        const Error asked = co_await error_of(client.request<std::string>(pattern(10'000)));
        CHECK(asked.code == errc::message_too_large);
        CHECK(asked.message.find("up to 10000 bytes") != std::string::npos);
        const Error answered = co_await error_of(client.request<std::string>(pattern(6'000)));
        CHECK(answered.code == errc::message_too_large);
        CHECK(answered.kind == Error::Kind::responder);
        CHECK_AWAITED("and onand on", client.request<std::string>("and on"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a broker with a limit of its own refuses a message in its words, and from then on it is known") {
    Broker broker({.settings = {"max_message_size = 100000"}});
    asio::io_context context;
    const RabbitmqMeeting meeting(broker.url());
    std::vector<std::string> endings;
    communica::ClientOptions client_options = test::quick_client("one");
    client_options.on_disconnect = [&](const Error& ending) { endings.push_back(ending.text()); };
    int handled = 0;
    BytesServer server(context, meeting.at_server(), [&](std::string bytes) {
        ++handled;
        return bytes.size() < 1000 ? bytes : bytes + bytes;
    });
    BytesClient client(context, meeting.at_client("one"), client_options);
    const std::string refusal = "larger than configured max size 100000";
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();

        const Error first =
            co_await error_of(client.request<std::string>(pattern(200'000), {.timeout = 8s, .idempotent = true}));
        CHECK(first.code == errc::message_too_large);
        CHECK(contains(first.message, refusal));
        co_await test::until([&] { return endings.size() == 1; });
        CHECK(contains(endings.front(), refusal));
        CHECK_AWAITED("and on", client.request<std::string>("and on"));

        const Error second = co_await error_of(client.request<std::string>(pattern(100'000)));
        CHECK(second.code == errc::message_too_large);
        CHECK(contains(second.message, "up to 100000 bytes"));
        CHECK(endings.size() == 1);
        CHECK(handled == 1);

        // The answer costs the connection, and its error comes over the next.
        const Error answer = co_await error_of(client.request<std::string>(pattern(60'000), {.timeout = 8s}));
        CHECK(answer.code == errc::message_too_large);
        CHECK(answer.kind == Error::Kind::responder);
        CHECK(contains(answer.message, refusal));
        CHECK_AWAITED("and on", client.request<std::string>("and on"));
        const Error again = co_await error_of(client.request<std::string>(pattern(60'000), {.timeout = 8s}));
        CHECK(again.code == errc::message_too_large);
        CHECK(contains(again.message, "up to 100000 bytes"));
        CHECK(endings.size() == 2);
        CHECK(handled == 4);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a message that takes longer than the silence allowed keeps its connection alive, up and down") {
    const char* const config = std::getenv("COMMUNICA_BROKER_CONFIG");
    if (config != nullptr && std::string_view(config).find("consumer-timeout") != std::string_view::npos) {
        WARN("skipped: a message that takes longer than the consumer_timeout can't be acknowledged in time");
        return;
    }
    asio::io_context context;
    const std::string& url = broker_of_large().url();
    const std::size_t at = url.find('@');
    const std::size_t port = url.find(':', at);
    const nlohmann::json state{{"host", "127.0.0.1"}, {"port", std::stoi(url.substr(port + 1))}};
    const test::Passage slow{.rate = 12 * mebibyte};
    std::optional<test::Relay> relay(std::in_place, context, state.dump(), slow, slow);
    const auto through = nlohmann::json::parse(relay->connector().dump_state()).at("port").get<int>();

    communica::RmqOptions options;
    options.max_message = 128 * mebibyte;
    options.keep_alive = 300ms;
    const std::string address = "slow";
    communica::ServerOptions server_options;
    server_options.limits.liveness_timeout = 1s;
    communica::ClientOptions client_options = test::quick_client("one");
    client_options.limits.liveness_timeout = 1s;
    std::vector<std::string> endings;
    client_options.on_disconnect = [&](const Error& ending) { endings.push_back(ending.text()); };
    server_options.on_disconnect = [&](const std::string&, const Error& ending) { endings.push_back(ending.text()); };
    BytesServer server(
        context, communica::RmqConnector(url, address, {}, "slow_exchange", options),
        [](std::string bytes) { return bytes; }, server_options);
    BytesClient client(context,
                       communica::RmqConnector("amqp://guest:guest@127.0.0.1:" + std::to_string(through) + "/", address,
                                               "one", "slow_exchange", options),
                       client_options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        const std::string text = pattern(30 * mebibyte);
        const std::string back = co_await client.request<std::string>(text, {.timeout = std::nullopt});
        CHECK((back == text));
        CHECK(endings == std::vector<std::string>());
        CHECK(relay->connections() == 1);
        co_await client.close();
        co_await server.close();
        relay.reset();
    });
    test::run_out(context);
}

TEST_CASE("the io_context is not held up by what goes through the broker, a message of 64 MiB included") {
    asio::io_context context;
    const RabbitmqMeeting meeting = meeting_of_large();
    communica::ServerOptions options;
    options.limits.max_inflight_bytes =
        65 * mebibyte;  // of answers not read some may be there when the large message comes
    BytesServer server(
        context, meeting.at_server(), [](std::span<const std::byte> bytes) { return std::to_string(bytes.size()); },
        options);
    BytesClient client(context, meeting.at_client("one"), test::quick_client("one"));
    Ticker ticker(context);
    const std::string large = pattern(64 * mebibyte - 200);
    int answers = 0;
    bool stopping = false;
    // Not in the coroutine: a callback may come after that has ended with an error.
    std::function<void()> ask = [&] {
        client.request<std::string>("small", [&](std::exception_ptr, std::string) {
            ++answers;
            if (!stopping) {
                ask();
            }
        });
    };
    test::run(
        context,
        [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await client.connect();
            for (int number = 0; number != 16; ++number) {
                ask();
            }
            CHECK_AWAITED(std::to_string(large.size()), client.request<std::string>(large, {.timeout = 60s}));
            co_await test::until([&] { return ticker.count() > 5000; });
            stopping = true;
            ticker.stop();
            co_await client.close();
            co_await server.close();
        },
        2 * test::patience);
    test::run_out(context);
    WARN("a ticker of 1 ms beside " << answers << " requests and one of 64 MiB: 99.9 % of " << ticker.count()
                                    << " ticks late by at most " << ticker.late(0.999).count() << " us, all by at most "
                                    << ticker.late(1).count() << " us");
    CHECK(ticker.late(0.999) < std::max<std::chrono::nanoseconds>(10ms, test::latency_floor));
}

}  // namespace rabbitmq_large
