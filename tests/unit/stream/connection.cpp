#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/golden.hpp"
#include "support/recorded_messages.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

#include <communica/stream/connection.hpp>

#include <algorithm>

namespace connection_tests {

namespace {

using communica::errc;
using communica::Error;
using communica::SendClass;
using Socket = test::PairSocket;
using communica::stream::StreamConnection;
using namespace std::chrono_literals;

/// A connection, and the plain socket at its other end.
struct Ends {
    asio::io_context context;
    Socket other{context};
    std::shared_ptr<StreamConnection<Socket>> connection;
    std::shared_ptr<test::RecordedMessages> receiver = std::make_shared<test::RecordedMessages>();
    test::RecordedMessages& messages = *receiver;

    explicit Ends(const communica::ConnectionOptions& options = {}) {
        Socket socket(context);
        test::connect_pair(socket, other);
        connection = std::make_shared<StreamConnection<Socket>>(std::move(socket), communica::Credentials{}, options);
    }

    void write(std::string_view bytes) { asio::write(other, asio::buffer(bytes)); }

    void start() { connection->start(receiver); }

    template <class Predicate>
    void run_until(Predicate predicate) {
        const auto end = std::chrono::steady_clock::now() + test::patience;
        context.restart();
        while (!predicate() && context.run_one_until(end) != 0) {
        }
        REQUIRE(predicate());
    }
    void run_to_end() {
        run_until([this] { return messages.ended; });
    }
};

}  // namespace

TEST_CASE("a refusal that comes in place of the first frame is told as one, in one read or several") {
    const std::string refusal = test::golden("handshake_failure_first");
    for (const std::size_t split :
         {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{5}, std::size_t{20}, refusal.size()}) {
        Ends ends;
        ends.start();
        for (const std::string& part : {refusal.substr(0, split), refusal.substr(split)}) {
            ends.context.restart();
            ends.context.poll();  // now it waits for the next bytes
            ends.write(part);
        }
        ends.other.close();
        ends.run_to_end();
        INFO("split at " << split);
        CHECK(ends.messages.ending.code == errc::handshake_failed);
        CHECK(ends.messages.ending.message == "refused: server busy");
    }
}

TEST_CASE("bytes that look like a refusal behind the first frame are a broken protocol") {
    Ends ends;
    ends.start();
    ends.write(test::message_frame("m", "b"));
    ends.run_until([&] { return ends.messages.bodies.size() == 1; });
    ends.write(test::golden("handshake_failure_first"));
    ends.run_to_end();
    CHECK(ends.messages.ending.code == errc::protocol_error);
}

TEST_CASE("a connection ends in order at a close notify, and is lost without one") {
    Ends closed;
    closed.start();
    closed.write(test::message_frame("m", "b") + test::close_frame() + test::message_frame("m", "too late"));
    closed.run_to_end();
    CHECK(closed.messages.ending.code == errc::closed);
    CHECK(closed.messages.bodies == std::vector<std::string>{"b"});

    Ends lost;
    lost.start();
    lost.write(test::message_frame("m", "b") + "\x01");
    lost.other.close();
    lost.run_to_end();
    CHECK(lost.messages.ending.code == errc::connection_lost);
}

TEST_CASE("closing while the other side reads nothing ends at the patience, and gives back what did not go out") {
    Ends ends;
    ends.start();
    communica::Buffer begun;
    begun.append(std::string(20'000'000, 'x'));
    REQUIRE(ends.connection->send(SendClass::request, "begun", begun));
    ends.run_until([&] { return ends.other.available() != 0; });
    communica::Buffer waiting;
    waiting.append("waiting");
    REQUIRE(ends.connection->send(SendClass::response, "m", waiting));
    ends.connection->close(1ms);
    ends.run_to_end();
    CHECK(ends.messages.ending.code == errc::closed);
    const auto unsent = ends.connection->take_unsent();
    REQUIRE(unsent.size() == 2);
    CHECK(unsent[0].body.size() == 20'000'000);  // a part of it went out, which is worth nothing
    CHECK(unsent[1].body.text() == "waiting");
}

TEST_CASE("after its unsent messages were taken a connection takes no more") {
    Ends ends;
    communica::Buffer body;
    body.append("b");
    CHECK(ends.connection->send(SendClass::request, "m", body));
    CHECK(ends.connection->take_unsent().size() == 1);
    CHECK_FALSE(ends.connection->send(SendClass::request, "m", body));
    CHECK(body.text() == "b");
}

TEST_CASE("a connection handles the frames that came with the hello") {
    Ends ends;
    std::string hello;
    ends.write(test::golden("server_hello") + test::message_frame("m", "with the hello"));
    test::run(ends.context, [&]() -> asio::awaitable<void> { hello = co_await ends.connection->read_hello(); });
    CHECK(hello == R"({"hello": "hello"})");
    ends.start();
    ends.run_until([&] { return ends.messages.bodies == std::vector<std::string>{"with the hello"}; });
    ends.other.close();
    ends.run_to_end();
}

TEST_CASE("a connection that is aborted ends, and hands out nothing more") {
    Ends ends;
    ends.start();
    ends.write(test::message_frame("m", "first"));
    ends.run_until([&] { return ends.messages.bodies.size() == 1; });
    ends.connection->abort();
    ends.write(test::message_frame("m", "second"));
    ends.run_to_end();
    ends.context.restart();
    ends.context.poll();
    CHECK(ends.messages.bodies.size() == 1);
    char byte = 0;
    asio::error_code error;
    ends.other.read_some(asio::buffer(&byte, 1), error);
    CHECK(error);  // it has closed
}

TEST_CASE("a connection that was aborted before it began ends, and hands out nothing") {
    Ends ends;
    ends.write(test::golden("server_hello") + test::message_frame("m", "with the hello"));
    test::run(ends.context, [&]() -> asio::awaitable<void> { co_await ends.connection->read_hello(); });
    ends.connection->abort();
    ends.context.restart();
    ends.context.poll();
    ends.start();
    ends.run_to_end();
    CHECK(ends.messages.bodies.empty());
    CHECK(ends.messages.ending.code == errc::closed);
}

TEST_CASE("a connection that is aborted in the middle of what came at once hands out no more of it") {
    Ends ends;
    ends.messages.on_each = [&] { ends.connection->abort(); };
    ends.write(test::message_frame("m", "first") + test::message_frame("m", "second"));
    ends.start();
    ends.run_to_end();
    CHECK(ends.messages.bodies == std::vector<std::string>{"first"});
    CHECK(ends.messages.ending.code == errc::closed);
}

TEST_CASE("a connection that is aborted between two turns hands out nothing of the second") {
    constexpr std::size_t turn_length = 32;
    Ends ends;
    for (std::size_t i = 0; i != 3 * turn_length; ++i) {
        ends.write(test::message_frame("m", "b"));
    }
    // Posted in the first turn: it comes before what is posted for the second.
    ends.messages.on_each = [&] { asio::post(ends.connection->get_executor(), [&] { ends.connection->abort(); }); };
    ends.start();
    ends.run_to_end();
    CHECK(ends.messages.bodies.size() <= turn_length);
    CHECK(ends.messages.ending.code == errc::closed);
}

TEST_CASE("after 64 KiB the others get their turn, as after 32 messages") {
    Ends ends;
    int in_a_row = 0;
    int most = 0;
    ends.messages.on_each = [&] {
        most = std::max(most, ++in_a_row);
        asio::post(ends.connection->get_executor(), [&] { in_a_row = 0; });
    };
    std::string frames;
    for (int number = 0; number != 8; ++number) {
        frames += test::message_frame("m", std::string(20'000, 'b'));
    }
    asio::async_write(ends.other, asio::buffer(frames), asio::detached);  // as much at once as the sockets hold
    ends.start();
    ends.run_until([&] { return ends.messages.bodies.size() == 8; });
    CHECK(most <= 4);
    ends.connection->abort();
    ends.run_to_end();
}

TEST_CASE("what came with one another is answered in one write, also when it takes more than one read") {
    Ends ends;
    ends.start();
    ends.context.poll();  // now it waits for the first bytes
    const std::string filler(2 * communica::wire::ReadBuffer::initial_capacity, 'b');
    ends.write(test::ping_frame() + test::message_frame("m", filler) + test::ping_frame());
    ends.run_until([&] { return ends.other.available() != 0; });
    CHECK(ends.other.available() == 2 * test::pong_frame().size());
    CHECK(ends.messages.bodies == std::vector<std::string>{filler});
    ends.other.close();
    ends.run_to_end();
}

TEST_CASE("after a message the next is polled for as long as is wanted, and then waited for") {
    constexpr auto spin = 20ms;
    Ends ends({.busy_poll = spin});
    ends.start();
    ends.write(test::message_frame("m", "first"));
    ends.run_until([&] { return ends.messages.bodies.size() == 1; });
    const auto begin = std::chrono::steady_clock::now();
    ends.context.restart();
    int rounds = 0;
    while (std::chrono::steady_clock::now() < begin + test::patience && ends.context.poll_one() != 0) {
        ++rounds;
    }
    const auto polled = std::chrono::steady_clock::now() - begin;
    CHECK(rounds > 2);
    CHECK(polled > spin / 2);
    CHECK(polled < test::patience);
    ends.write(test::message_frame("m", "second"));
    ends.run_until([&] { return ends.messages.bodies.size() == 2; });
    ends.write(test::message_frame("m", "third"));  // while it polls
    ends.run_until([&] { return ends.messages.bodies.size() == 3; });
    ends.other.close();
    ends.run_to_end();
}

TEST_CASE("a connection that polls adaptively polls only while messages come fast") {
    constexpr auto spin = 500ms;
    Ends ends({.busy_poll = spin, .adaptive_poll = true});
    ends.start();
    const auto polls = [&] {
        ends.context.restart();
        ends.context.poll_one();
        return ends.context.poll_one() != 0;  // of two rounds the second has nothing to do if it waits
    };
    const auto receive = [&](std::size_t count) {
        ends.write(test::message_frame("m", "body"));
        ends.run_until([&] { return ends.messages.bodies.size() == count; });
    };
    receive(1);
    CHECK_FALSE(polls());  // there was none before
    receive(2);
    CHECK(polls());
    const auto end = std::chrono::steady_clock::now() + test::patience;
    while (polls()) {  // until it sleeps
        REQUIRE(std::chrono::steady_clock::now() < end);
    }
    receive(3);
    CHECK_FALSE(polls());
    receive(4);
    CHECK(polls());
    ends.other.close();
    ends.run_to_end();
}

}  // namespace connection_tests
