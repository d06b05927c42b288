// Whether the other side of a connection is alive and reads, over a real pair of sockets.
#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

#include <communica/stream/connection.hpp>

#include <asio/read.hpp>
#include <asio/write.hpp>

namespace connection_watch_tests {

namespace {

using communica::errc;
using communica::Error;
using communica::SendClass;
using Socket = test::PairSocket;
using communica::stream::StreamConnection;
using namespace std::chrono_literals;

struct Told final : communica::Receiver {
    void on_message(const communica::Message& message) override {
        messages.emplace_back(communica::as_text(message.body));
    }
    void on_discarded(std::string_view metadata, errc why) override {
        messages.push_back((why == errc::busy ? "busy " : "too large ") + std::string(metadata));
    }
    void on_room() override { ++rooms; }
    void on_end(Error why) override {
        ending = std::move(why);
        ended = true;
    }

    std::vector<std::string> messages;
    int rooms = 0;
    Error ending;
    bool ended = false;
};

/// A connection that runs, and the plain socket at its other end.
struct Watched {
    explicit Watched(const communica::ConnectionOptions& options = {}, bool pings = false) {
        Socket socket(context);
        test::connect_pair(socket, other);
        connection = std::make_shared<StreamConnection<Socket>>(std::move(socket), communica::Credentials{}, options);
        if (pings) {
            connection->start_pings();
        }
        connection->start(receiver);
    }

    void write(std::string_view bytes) { asio::write(other, asio::buffer(bytes)); }
    bool send(SendClass send_class, std::string_view text) const {
        communica::Buffer body;
        body.append(text);
        return connection->send(send_class, "m", body);
    }
    void read() {
        std::string piece(other.available(), '?');
        asio::read(other, asio::buffer(piece));
        received += piece;
    }

    template <class Predicate>
    void run_until(Predicate predicate) {
        const auto end = std::chrono::steady_clock::now() + test::patience;
        context.restart();
        while (!predicate() && context.run_one_until(end) != 0) {
        }
        REQUIRE(predicate());
    }
    void end() {
        other.close();
        run_until([this] { return told.ended; });
    }

    asio::io_context context;
    Socket other{context};
    std::shared_ptr<StreamConnection<Socket>> connection;
    std::shared_ptr<Told> receiver = std::make_shared<Told>();
    Told& told = *receiver;
    std::string received;
};

communica::ConnectionOptions limits_of(std::chrono::milliseconds silence, std::chrono::milliseconds stall) {
    communica::ConnectionOptions options;
    options.limits.liveness_timeout = silence;
    options.limits.write_timeout = stall;
    return options;
}

}  // namespace

TEST_CASE("a ping is answered with a pong, and neither is told") {
    Watched watched;
    watched.write(test::ping_frame() + test::pong_frame() + test::message_frame("m", "b") + test::ping_frame());
    watched.run_until([&] { return watched.other.available() == 2 * test::pong_frame().size(); });
    watched.read();
    CHECK(watched.received == test::pong_frame() + test::pong_frame());
    CHECK(watched.told.messages == std::vector<std::string>{"b"});
    watched.end();
}

TEST_CASE("who gives no sign of life is asked for one, and then lost") {
    Watched watched(limits_of(10ms, 1h), true);
    watched.run_until([&] { return watched.told.ended; });
    CHECK(watched.told.ending.code == errc::connection_lost);
    CHECK(watched.told.ending.message.find("sign of life") != std::string::npos);
    watched.read();
    CHECK(watched.received == test::ping_frame() + test::ping_frame() + test::ping_frame());
}

TEST_CASE("who answers pings lives on") {
    Watched watched(limits_of(200ms, 1h), true);
    for (int pings = 0; pings != 8;) {
        watched.run_until([&] { return watched.told.ended || watched.other.available() != 0; });
        REQUIRE_FALSE(watched.told.ended);
        watched.received.clear();
        watched.read();
        for (std::size_t at = 0; at < watched.received.size(); at += test::ping_frame().size(), ++pings) {
            watched.write(test::pong_frame());
        }
    }
    CHECK_FALSE(watched.told.ended);
    watched.end();
}

TEST_CASE("who reads nothing of what is sent is slow") {
    Watched watched(limits_of(1h, 10ms));
    REQUIRE(watched.send(SendClass::response, std::string(5'000'000, 'b')));
    watched.run_until([&] { return watched.told.ended; });
    CHECK(watched.told.ending.code == errc::slow_peer);
}

TEST_CASE("who does not read its refusals is slow") {
    communica::ConnectionOptions options;
    options.limits.max_refusals = 100'000;
    Watched watched(options);
    for (int count = 0; count != 1000 && watched.send(SendClass::rejection, std::string(1000, 'b')); ++count) {
    }
    watched.run_until([&] { return watched.told.ended; });
    CHECK(watched.told.ending.code == errc::slow_peer);
    CHECK(watched.told.ending.message.find("refused") != std::string::npos);
}

TEST_CASE("pings that nobody reads the answers to end the connection") {
    communica::ConnectionOptions options;
    options.limits.max_refusals = 1000;
    Watched watched(options);
    REQUIRE(watched.send(SendClass::response, std::string(5'000'000, 'b')));
    std::string pings;
    for (int count = 0; count != 300; ++count) {
        pings += test::ping_frame();
    }
    watched.write(pings);
    watched.run_until([&] { return watched.told.ended; });
    CHECK(watched.told.ending.code == errc::slow_peer);
}

TEST_CASE("a connection tells of room once there is some again") {
    Watched watched;
    while (watched.send(SendClass::request, std::string(300'000, 'b'))) {
    }
    while (watched.told.rooms == 0) {
        watched.context.restart();
        watched.context.poll();
        watched.read();
    }
    CHECK(watched.send(SendClass::request, "b"));
    watched.end();
}

TEST_CASE("a connection tells of what it dropped, why, and reads on") {
    const auto budget = std::make_shared<communica::Budget>(50'000);
    Watched watched({.limits = {.max_message = 1'000'000}, .budget = budget});
    std::string bytes = test::message_frame("huge", std::string(1'000'001, 'b')) +
                        test::message_frame("large", std::string(900'000, 'b')) + test::message_frame("m", "b");
    while (!bytes.empty()) {
        const std::size_t count = std::min<std::size_t>(bytes.size(), 50'000);
        watched.write(bytes.substr(0, count));
        bytes.erase(0, count);
        watched.context.restart();
        watched.context.poll();
    }
    watched.run_until([&] { return watched.told.messages.size() == 3; });
    CHECK(watched.told.messages == std::vector<std::string>{"too large huge", "busy large", "b"});
    CHECK(budget->used() == 0);
    watched.end();
}

TEST_CASE("answers are unread until the other side has room for them") {
    Watched watched;
    REQUIRE(watched.send(SendClass::response, std::string(1'000'000, 'b')));
    CHECK(watched.connection->unread_answers() > 1'000'000);
    while (watched.connection->unread_answers() != 0) {
        watched.context.restart();
        watched.context.poll();
        watched.read();
    }
    watched.end();
}

}  // namespace connection_watch_tests
