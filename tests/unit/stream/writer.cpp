#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

#include <communica/stream/writer.hpp>

#include <asio/read.hpp>

namespace writer_tests {

namespace {

using communica::Buffer;
using communica::SendClass;
using communica::stream::WriteQueue;
using Socket = test::PairSocket;

/// What a writer is a part of, which only notes what it is told.
struct Owner : std::enable_shared_from_this<Owner> {
    Owner(Socket s, const communica::ConnectionOptions& options)
        : stream(std::move(s)), its_strand(stream.get_executor()), writer(*this, stream, options) {}

    const communica::base::Strand& strand() const { return its_strand; }
    std::shared_ptr<Owner> kept() { return shared_from_this(); }
    bool gathers() const { return is_gathering; }

    void on_progress() { ++progress; }
    void on_room() { ++rooms; }
    void on_write_done(asio::error_code error, bool was_last) {
        ++writes;
        last = last || was_last;
        failed = failed || error;
    }
    void on_refusals_unread() { ++unread; }

    Socket stream;
    communica::base::Strand its_strand;
    communica::stream::Writer<Socket, Owner> writer;
    int progress = 0;
    int rooms = 0;
    int writes = 0;
    int unread = 0;
    bool last = false;
    bool failed = false;
    bool is_gathering = false;
};

struct Pair {
    explicit Pair(const communica::ConnectionOptions& options = {}) {
        Socket stream(context);
        test::connect_pair(stream, other);
        owner = std::make_shared<Owner>(std::move(stream), options);
    }

    bool send(SendClass send_class, std::string_view text) const {
        Buffer body;
        body.append(text);
        return owner->writer.send(send_class, "m", body);
    }

    void run() {
        context.restart();
        context.poll();
    }
    /// Nothing more goes out before somebody reads. (On Windows that is not at once so.)
    void run_until_stuck() {
        for (int same = 0, progress = -1; same != 100; ++same) {
            run();
            same = progress == owner->progress ? same : 0;
            progress = owner->progress;
        }
    }
    /// Runs, and reads what comes, until it is true.
    template <class Predicate>
    void read_until(Predicate predicate) {
        const auto end = std::chrono::steady_clock::now() + test::patience;
        while (!predicate() && std::chrono::steady_clock::now() < end) {
            run();
            read();
        }
        REQUIRE(predicate());
    }
    /// Reads on until so much has come, which has to be this.
    void expect(const std::string& all) {
        read_until([&] { return received.size() >= all.size(); });
        CHECK(received == all);
    }
    void read() {
        std::string piece(other.available(), '?');
        asio::read(other, asio::buffer(piece));
        received += piece;
    }

    asio::io_context context;
    Socket other{context};
    std::shared_ptr<Owner> owner;
    std::string received;
};

const std::string frame_a = test::message_frame("m", "a");
const std::string frame_b = test::message_frame("m", "b");
const std::string large(400'000, 'L');

}  // namespace

TEST_CASE("what is sent before the first write goes out with it, in order") {
    Pair pair;
    CHECK(pair.send(SendClass::request, "a"));
    CHECK(pair.send(SendClass::response, "b"));
    CHECK(pair.owner->writes == 0);
    pair.run();
    pair.expect(frame_a + frame_b);
    CHECK(pair.owner->writes == 1);
    CHECK(pair.owner->progress != 0);
    CHECK_FALSE(pair.owner->last);
    CHECK_FALSE(pair.owner->writer.is_writing());
}

TEST_CASE("what is sent during a turn goes out at its end") {
    Pair pair;
    pair.owner->writer.begin_turn();
    CHECK(pair.send(SendClass::response, "a"));
    pair.owner->writer.send_frame(SendClass::rejection, communica::wire::pong_frame);
    pair.run();
    CHECK(pair.owner->writes == 0);
    CHECK(pair.other.available() == 0);
    pair.owner->writer.end_turn();
    pair.run();
    pair.expect(frame_a + test::pong_frame());
    CHECK(pair.owner->writes == 1);
}

TEST_CASE("gathered messages are written at once by the thread that gathered them") {
    Pair pair;
    pair.owner->is_gathering = true;
    CHECK(pair.send(SendClass::request, "a"));
    CHECK(pair.send(SendClass::request, "b"));
    pair.run();
    CHECK(pair.other.available() == 0);
    pair.owner->writer.write_gathered();
    CHECK(pair.owner->progress == 1);
    pair.expect(frame_a + frame_b);
    CHECK(pair.owner->writes == 0);  // there was nothing to tell
    pair.owner->writer.write_gathered();
    CHECK(pair.owner->progress == 1);
}

TEST_CASE("gathered messages that the socket does not take at once go on on the strand") {
    Pair pair;
    pair.owner->is_gathering = true;
    CHECK(pair.send(SendClass::request, large + large + large));
    pair.owner->writer.write_gathered();
    CHECK(pair.owner->writer.is_writing());
    CHECK(pair.send(SendClass::response, "a"));
    pair.read_until([&] { return pair.owner->writes == 2; });
    pair.expect(test::message_frame("m", large + large + large) + frame_a);
    CHECK_FALSE(pair.owner->failed);
}

TEST_CASE("a closing writer is told of the end of gathered messages") {
    Pair pair;
    pair.owner->is_gathering = true;
    CHECK(pair.send(SendClass::request, "a"));
    CHECK(pair.owner->writer.close());
    pair.owner->writer.write_gathered();
    pair.read_until([&] { return pair.owner->last; });
    pair.expect(frame_a);
}

TEST_CASE("gathered messages that can't be written are told, and given back") {
    Pair pair;
    pair.owner->is_gathering = true;
    CHECK(pair.send(SendClass::request, "a"));
    pair.owner->stream.close();
    pair.owner->writer.write_gathered();
    const auto end = std::chrono::steady_clock::now() + test::patience;
    while (!pair.owner->failed && std::chrono::steady_clock::now() < end) {
        pair.run();
    }
    CHECK(pair.owner->failed);
    CHECK(pair.owner->writer.take_unsent().size() == 1);
}

TEST_CASE("a thread that has gathered writes nothing once the writer is stopped") {
    Pair pair;
    pair.owner->is_gathering = true;
    CHECK(pair.send(SendClass::request, "a"));
    pair.owner->stream.close();
    pair.owner->writer.stop();
    CHECK_FALSE(pair.owner->writer.is_writing());
    pair.owner->writer.write_gathered();
    CHECK_FALSE(pair.owner->writer.is_writing());  // the owner has been told that all writes have ended
    CHECK(pair.owner->writer.take_unsent().size() == 1);
    pair.run();
}

TEST_CASE("what is sent during a write goes out with the next") {
    Pair pair;
    CHECK(pair.send(SendClass::response, large));
    pair.run();
    CHECK(pair.owner->writer.is_writing());
    CHECK(pair.send(SendClass::response, "a"));
    CHECK(pair.send(SendClass::response, "b"));
    pair.read_until([&] { return pair.owner->writes == 2; });
    pair.expect(test::message_frame("m", large) + frame_a + frame_b);
}

TEST_CASE("each part of a large write that goes out is progress") {
    Pair pair;
    CHECK(pair.send(SendClass::response, large));
    pair.run_until_stuck();
    const int before = pair.owner->progress;
    pair.run();
    CHECK(pair.owner->progress == before);
    pair.read_until([&] { return pair.owner->progress > before; });
}

TEST_CASE("requests are taken while there is room, and their sender is told once when there is some again") {
    Pair pair;
    while (pair.send(SendClass::request, large)) {
    }
    CHECK_FALSE(pair.send(SendClass::request, "a"));
    CHECK(pair.send(SendClass::response, "b"));
    CHECK(pair.send(SendClass::rejection, "b"));
    pair.run();
    CHECK(pair.owner->rooms == 0);
    pair.read_until([&] { return pair.owner->rooms != 0; });
    CHECK(pair.send(SendClass::request, "a"));
    pair.read_until([&] { return pair.received.ends_with(frame_b + frame_b + frame_a); });
    CHECK(pair.owner->rooms == 1);
}

TEST_CASE("who was never refused is not told of room") {
    Pair pair;
    CHECK(pair.send(SendClass::request, std::string(2 * communica::Room::high_watermark, 'b')));
    pair.read_until([&] { return pair.owner->writes == 1; });
    CHECK(pair.owner->rooms == 0);
}

TEST_CASE("a message that is not taken keeps its body") {
    Pair pair;
    CHECK(pair.send(SendClass::request, std::string(2 * communica::Room::high_watermark, 'b')));
    Buffer body;
    body.append(large);
    CHECK_FALSE(pair.owner->writer.send(SendClass::request, "m", body));
    CHECK(body.size() == large.size());
}

TEST_CASE("answers are unread until they are written") {
    Pair pair;
    CHECK(pair.send(SendClass::request, "a"));
    CHECK(pair.owner->writer.unread_answers() == 0);
    CHECK(pair.send(SendClass::response, large));
    const std::size_t size = test::message_frame("m", large).size();
    CHECK(pair.owner->writer.unread_answers() == size);
    pair.run();
    CHECK(pair.owner->writer.unread_answers() == size);
    pair.read_until([&] { return pair.owner->writes == 1; });
    CHECK(pair.owner->writer.unread_answers() == 0);
}

TEST_CASE("up to max_refusals bytes of refusals may be unread, above it that is told, once") {
    for (const std::size_t over : {std::size_t{0}, std::size_t{1}}) {
        Pair pair({.limits = {.max_refusals = 2 * frame_a.size() - over}});
        pair.send(SendClass::response, large);
        pair.send(SendClass::rejection, "a");
        pair.run();
        CHECK(pair.owner->unread == 0);
        pair.send(SendClass::rejection, "a");
        pair.run();
        CHECK(pair.owner->unread == static_cast<int>(over));
        if (over != 0) {
            pair.send(SendClass::rejection, "a");
            pair.run();
            CHECK(pair.owner->unread == 1);
        }
    }
}

TEST_CASE("a closing writer takes nothing more, and its last frame goes out last") {
    Pair pair;
    CHECK(pair.send(SendClass::response, "a"));
    CHECK_FALSE(pair.owner->writer.is_closing());
    CHECK(pair.owner->writer.close_with(communica::wire::close_notify));
    CHECK(pair.owner->writer.is_closing());
    CHECK_FALSE(pair.owner->writer.close_with(communica::wire::close_notify));
    CHECK_FALSE(pair.owner->writer.close());
    CHECK_FALSE(pair.send(SendClass::response, "b"));
    pair.owner->writer.send_frame(SendClass::rejection, communica::wire::ping_frame);
    pair.run();
    pair.expect(frame_a + test::close_frame());
    CHECK(pair.owner->last);
}

TEST_CASE("closing behind a write under way waits for it") {
    Pair pair;
    CHECK(pair.send(SendClass::response, large));
    pair.run();
    CHECK(pair.owner->writer.close_with(communica::wire::close_notify));
    CHECK_FALSE(pair.owner->last);
    pair.read_until([&] { return pair.owner->last; });
    pair.expect(test::message_frame("m", large) + test::close_frame());
}

TEST_CASE("a write that fails is told, and what did not go out is given back") {
    Pair pair;
    CHECK(pair.send(SendClass::response, large));
    pair.run();
    CHECK(pair.send(SendClass::request, "a"));
    pair.other.close();
    pair.run();
    CHECK(pair.owner->failed);
    CHECK_FALSE(pair.owner->writer.is_writing());
    CHECK(pair.send(SendClass::request, "b"));
    pair.run();
    const auto unsent = pair.owner->writer.take_unsent();
    REQUIRE(unsent.size() == 3);
    CHECK(unsent[0].body.text() == large);  // a part of it went out
    CHECK(unsent[1].body.text() == "a");
    CHECK(unsent[2].body.text() == "b");
    CHECK_FALSE(pair.send(SendClass::request, "c"));
    CHECK(pair.owner->writer.take_unsent().empty());
}

TEST_CASE("a write keeps what the writer is a part of") {
    Pair pair;
    CHECK(pair.send(SendClass::response, large));
    pair.run();
    const std::weak_ptr<Owner> owner = std::exchange(pair.owner, nullptr);
    CHECK_FALSE(owner.expired());
    pair.read_until([&] { return owner.expired(); });
    pair.expect(test::message_frame("m", large));
}

}  // namespace writer_tests
