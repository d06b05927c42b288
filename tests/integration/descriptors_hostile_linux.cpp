// Descriptors from a peer that says and sends something else than it should.
#include "support/file_peer_linux.hpp"
#include "support/pair.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace descriptors_hostile {

using communica::Descriptor;
using test::ask;
using test::FilePeer;
using test::frame_of;
using test::memory_file;
using test::permission;
using test::request;
using test::text_of;
using test::u32;

namespace {

test::Routes routes_with_files() {
    test::Routes routes;
    routes.add("read", [](const Descriptor& file) { return text_of(file); });
    routes.add("read all", [](const std::vector<Descriptor>& files) {
        std::string all;
        for (const Descriptor& file : files) {
            all += text_of(file);
        }
        return all;
    });
    routes.add("ignore", [](int) { return 0; });
    routes.add("open", [](int) { return memory_file(); });
    return routes;
}

/// This process may open so many descriptors more.
class FewDescriptors {
 public:
    explicit FewDescriptors(int spare) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual_) == 0);
        std::vector<Descriptor> next;
        for (int count = 0; count <= spare; ++count) {
            next.push_back(Descriptor::duplicate_of(0));
        }
        ::rlimit limit = usual_;
        limit.rlim_cur = static_cast<::rlim_t>(next.back().get());
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &usual_); }

 private:
    ::rlimit usual_{};
};

/// Runs `body(peer)` against a server that accepts `most` descriptors in a message, and keeps `most_in_all`.
template <class Body>
void against_server(Body body, std::size_t most = 253, std::size_t most_in_all = 512) {
    const test::NoneLeft none_left;
    {
        asio::io_context context;
        test::Meeting meeting(test::Transport::local);
        communica::ServerOptions options;
        options.limits.max_descriptors = most;
        options.limits.max_descriptors_in_all = most_in_all;
        options.limits.max_message = 1000;
        test::RouteServer server(context, meeting.at_server(), routes_with_files(), options);
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            FilePeer peer = co_await FilePeer::greet(server.connector_state());
            const auto before = test::open_descriptors();
            co_await body(peer);
            CHECK(test::open_descriptors() <= before);
            peer.script.cut();
            co_await server.close();
        });
        test::run_out(context);
    }
}

}  // namespace

TEST_CASE("descriptors reach the message behind their frame, however its bytes are cut") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        for (std::size_t cut = 1; cut <= 6; ++cut) {
            co_await peer.be_permitted();
            const std::string frame = frame_of(1);
            const std::string head = frame.substr(0, cut);
            const std::vector<std::string> texts(1, "text " + std::to_string(cut));
            peer.send_with(head, texts);
            const std::string rest = frame.substr(cut) + request("read", "0");
            co_await peer.script.send_bytewise(rest);
            co_await peer.expect_answer(11, texts.front());
        }
        const std::string whole = request("read all", "[1,0]");
        const std::string before = request("ignore", "1") + ask;
        co_await peer.script.send(before);
        co_await peer.script.expect(permission);  // passes what waits
        co_await peer.expect_answer(11, "0");
        const std::vector<std::string> two{"a", "b"};
        peer.send_with(frame_of(2), two);
        co_await peer.script.send(whole);
        co_await peer.expect_answer(11, "ba");
    });
}

TEST_CASE("descriptors reach a message in chunks, and not the messages between its chunks") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts(1, "of the chunks");
        peer.send_with(frame_of(1), texts);
        const std::string chunks =
            test::chunk_frame(0, 2, R"({"id": "2", "type": 1, "route": "read"})", " ") + request("read", "0");
        co_await peer.script.send(chunks);
        co_await peer.expect_answer(42, "none came");
        const std::string last = test::chunk_frame(1, 2, "", "0");
        co_await peer.script.send(last);
        co_await peer.expect_answer(11, "of the chunks");
    });
}

TEST_CASE("descriptors that nobody permitted do not arrive") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        const std::vector<std::string> texts(253, "unasked");
        const std::string bytes = request("read", "0");
        for (int time = 0; time != 3; ++time) {
            peer.send_with(bytes, texts);
            co_await peer.expect_answer(42, "none came");
        }
        co_await peer.expect_alive();
    });
}

TEST_CASE("an index outside of the message's descriptors, or one used twice, is an error of this message") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        for (const std::string body : {"[2]", "[0,0]", "[4294967295]", "[-1]", "[1.5]", "[\"0\"]"}) {
            co_await peer.be_permitted();
            const std::vector<std::string> texts(2, "text");
            peer.send_with(frame_of(2), texts);
            const std::string bytes = request("read all", body);
            co_await peer.script.send(bytes);
            co_await peer.expect_answer(42, "");
            co_await peer.expect_alive();
        }
    });
}

TEST_CASE("descriptors that are not taken are closed") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        const auto before = test::open_descriptors();
        for (const std::string& bytes : {request("ignore", "1"), request("no such route", "1"),
                                         request("read all", "[]"), request("ignore", std::string(2000, ' ') + '1')}) {
            co_await peer.be_permitted();
            const std::vector<std::string> texts(200, "text");
            peer.send_with(frame_of(200), texts);
            co_await peer.script.send(bytes);
            (void)co_await peer.script.read_message();
            CHECK(test::open_descriptors() == before);
        }
    });
}

TEST_CASE("a message whose descriptors did not arrive is answered with an error, and the connection goes on") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        for (const int count : {0, 1, 253}) {
            co_await peer.be_permitted();
            const std::string bytes = frame_of(count) + request("read", "0");
            co_await peer.script.send(bytes);
            co_await peer.expect_answer(42, "did not pass all descriptors");
            co_await peer.expect_alive();
        }
    });
}

TEST_CASE("a process with too many open files loses the message with descriptors alone") {
    const int spare = GENERATE(0, 1, 19);
    CAPTURE(spare);
    against_server([&](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts(20, "text");
        peer.send_with(frame_of(20), texts);
        const std::string bytes = request("read", "0") + request("ignore", "1");
        co_await peer.script.send(bytes);
        {
            const FewDescriptors few(spare);
            co_await peer.expect_answer(42, "did not pass all descriptors");
        }
        co_await peer.expect_answer(11, "0");
    });
}

TEST_CASE("a peer whose frames do not fit its descriptors loses its connection") {
    struct Wrong {
        std::string announced;
        std::size_t count;
    };
    const Wrong wrong = GENERATE(Wrong{frame_of(1), 2}, Wrong{frame_of(2), 1}, Wrong{frame_of(0), 1},
                                 Wrong{frame_of(254), 1}, Wrong{u32(3) + "\x25\x01\x01", 1}, Wrong{u32(1) + '\x25', 1});
    against_server([&](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts(wrong.count, "text");
        peer.send_with(wrong.announced, texts);
        co_await peer.script.expect_end();
    });
}

TEST_CASE("a peer that sends descriptors twice for one permission loses its connection") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts(253, "text");
        const std::string frame = frame_of(253);
        peer.send_with(frame.substr(0, 1), texts);
        peer.send_with(frame.substr(1, 1), texts);
        co_await peer.script.expect_end();
    });
}

TEST_CASE("frames about descriptors out of turn end the connection") {
    const std::string out_of_turn = GENERATE(frame_of(1), permission, ask + ask, u32(2) + '\x23' + '\0');
    against_server([&](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.script.send(out_of_turn);
        const std::string rest = co_await peer.script.read_to_end();
        CHECK((rest.empty() || rest == permission));
    });
}

TEST_CASE("a question between descriptors and their message ends the connection") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts(1, "text");
        peer.send_with(frame_of(1), texts);
        co_await peer.script.send(ask);
        co_await peer.script.expect_end();
    });
}

TEST_CASE("a peer that does not take the descriptors of its answers gets errors instead of more") {
    against_server(
        [](FilePeer& peer) -> asio::awaitable<void> {
            const auto before = test::open_descriptors();
            for (int round = 0; round != 2; ++round) {
                std::string bytes;
                for (int count = 0; count != 4; ++count) {
                    bytes += request("open", "1");
                }
                co_await peer.script.send(bytes);
                co_await peer.script.expect(ask);
                const std::string next = request("ignore", "1");
                co_await peer.script.send(next);
                for (int count = 0; count != 3; ++count) {
                    CHECK(test::open_descriptors() <= before + 3);
                    co_await peer.script.send(permission);
                    co_await peer.script.expect(frame_of(1));
                    co_await peer.expect_answer(11, "0");
                    if (count != 2) {
                        co_await peer.script.expect(ask);
                    }
                }
                co_await peer.expect_answer(51, "too many descriptors of answers are not taken");
                co_await peer.expect_answer(11, "0");
                CHECK(test::open_descriptors() == before);
            }
        },
        253, 3);
}

TEST_CASE("descriptors over the limit of all messages are closed, and cost their message") {
    against_server(
        [](FilePeer& peer) -> asio::awaitable<void> {
            for (const std::size_t count : {4U, 3U, 4U}) {
                co_await peer.be_permitted();
                const std::vector<std::string> texts(count, "text");
                peer.send_with(frame_of(static_cast<int>(count)), texts);
                const std::string bytes = request("read", "0");
                co_await peer.script.send(bytes);
                co_await peer.expect_answer(count == 3 ? 11 : 42, count == 3 ? "text" : "too many descriptors wait");
                co_await peer.expect_alive();
            }
        },
        253, 3);
}

TEST_CASE("a peer that leaves between descriptors and their message leaves nothing behind") {
    against_server([](FilePeer& peer) -> asio::awaitable<void> {
        co_await peer.be_permitted();
        const std::vector<std::string> texts(253, "text");
        peer.send_with(frame_of(253), texts);
        const std::string part = request("read", "0").substr(0, 20);
        co_await peer.script.send(part);
    });
}

TEST_CASE("a server with a lower limit takes fewer descriptors, or none") {
    against_server(
        [](FilePeer& peer) -> asio::awaitable<void> {
            co_await peer.be_permitted();
            const std::vector<std::string> texts(2, "text");
            peer.send_with(frame_of(2), std::vector<std::string>(texts.begin(), texts.begin() + 2));
            const std::string bytes = request("read all", "[1,0]");
            co_await peer.script.send(bytes);
            co_await peer.expect_answer(11, "texttext");
            co_await peer.be_permitted();
            const std::vector<std::string> three(3, "text");
            peer.send_with(frame_of(3), three);
            co_await peer.script.expect_end();
        },
        2);
    against_server(
        [](FilePeer& peer) -> asio::awaitable<void> {
            co_await peer.script.send(ask);
            co_await peer.script.expect_end();
        },
        0);
}

}  // namespace descriptors_hostile
