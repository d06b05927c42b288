// Every kind of frame cut at every byte, whereupon the connection is closed: nothing comes of it, and nobody else notices.
#include "support/golden_conversation.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

namespace cut_frames {

using test::ScriptedPeer;
using test::Transport;
using namespace std::chrono_literals;

namespace {

/// One line for each kind of frame: what a peer that offers it says in its hello, and the frame. All are sent by a
/// client and by a server.
struct FrameKind {
    std::string name;
    std::string hello;  ///< further members of the hello: `, "communica": {...}`
    std::string bytes;
};

const std::string ask = R"({"id": "1", "type": 1, "route": "echo"})";
const std::string tell = R"({"id": "", "type": 2, "route": "echo"})";

const std::string offer =
    R"(, "communica": {"session": "5", "extensions": ["cancel", "deadline", "goodbye", "headers"]})";

const std::vector<FrameKind> kinds{
    {"a request", "", test::message_frame(ask, "\"text\"")},
    {"a notification", "", test::message_frame(tell, "[1, 2]")},
    {"an answer to nobody", "", test::message_frame(R"({"id": "1", "type": 11})", "1")},
    {"a request in one chunk", "", test::chunk_frame(0, 1, ask, "\"text\"")},
    {"a request in chunks", "",
     test::chunk_frame(0, 3, ask, "\"a") + test::chunk_frame(1, 3, "", "b") + test::chunk_frame(2, 3, "", "c\"")},
    {"a close", "", test::close_frame()},
    {"a ping", "", test::ping_frame()},
    {"a pong", "", test::pong_frame()},
    {"a cancel", offer, test::message_frame(R"({"id": "1", "type": 3})", "")},
    {"a goodbye", offer, test::message_frame(R"({"id": "", "type": 4})", "\"draining\"")},
    {"a request with a deadline and headers", offer,
     test::message_frame(R"({"id": "1", "type": 1, "route": "echo", "headers": {"a": "b"}, "timeout": 5000})", "1")},
};

/// How the connection ends behind the last byte.
enum class End { half, whole };

std::string kind_and_end(const FrameKind& kind, End end) {
    return kind.name + (end == End::half ? ", then its sender says no more" : ", then its sender is gone");
}

test::Routes routes() {
    test::Routes table;
    table.add("echo", [](nlohmann::json value) { return value; });
    return table;
}

/// What has to come back for the first `size` bytes, behind the hello.
std::size_t answers_to(const FrameKind& kind, std::size_t size) {
    return test::expected_answers(std::string_view(kind.bytes).substr(0, size), true).size();
}

}  // namespace

TEST_CASE("a server lives on when a client's hello or frame is cut at any byte") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const bool ends_one_way = transport == test::Transport::tcp || test::local_streams_end_one_way;
    asio::io_context context;
    const test::Meeting meeting(transport);
    communica::ServerOptions options;
    options.resume_window = 0ms;
    test::RouteServer server(context, meeting.at_server(), routes(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient steady(context, meeting.at_client(server), routes(), test::quick_client("steady"));
        co_await steady.connect();
        for (const FrameKind& kind : kinds) {
            const std::string hello = R"({"client_id": "cut")" + kind.hello + "}" + '\0';
            const std::string bytes = hello + kind.bytes;
            for (std::size_t size = 0; size <= bytes.size(); ++size) {
                const End end = size % 2 == 0 && ends_one_way ? End::half : End::whole;
                INFO(kind_and_end(kind, end) << ", after " << size << " bytes");
                ScriptedPeer peer = co_await ScriptedPeer::connect(server.connector_state());
                co_await peer.send(bytes.substr(0, size));
                if (end == End::half) {
                    peer.end();
                    const std::string came = co_await peer.read_to_end();
                    const std::size_t begin = came.find('\0') + 1;
                    CHECK((begin != 0) == (size >= hello.size()));
                    const auto frames = test::decode_messages(std::string_view(came).substr(begin)).frames;
                    CHECK(frames.size() == answers_to(kind, std::max(size, hello.size()) - hello.size()));
                } else {
                    peer.cut();
                }
            }
            co_await test::until([&] { return server.client_ids() == std::vector<std::string>{"steady"}; });
            CHECK_AWAITED(kind.name, steady.request<std::string>("echo", kind.name));
        }
        co_await steady.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a client comes back when a server's hello or frame is cut at any byte, and its other connections live on") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const bool ends_one_way = transport == test::Transport::tcp || test::local_streams_end_one_way;
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer other_server(context, meeting.at_server(), routes());
    test::ScriptedListener listener(context, transport);
    auto options = test::quick_client("cut");
    options.backoff = communica::BackoffOptions{.first = 1ms, .most = 1ms};
    options.resume_window = 0ms;
    test::RouteClient client(context, listener.connector(), routes(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await other_server.start();
        test::RouteClient other(context, meeting.at_client(other_server), routes(), test::quick_client("other"));
        co_await other.connect();
        client.start();
        for (const FrameKind& kind : kinds) {
            const std::string hello = R"({"hello": "hello")" + kind.hello + "}" + '\0';
            const std::string bytes = hello + kind.bytes;
            for (std::size_t size = 0; size <= bytes.size(); ++size) {
                const End end = size % 2 == 0 && ends_one_way ? End::half : End::whole;
                INFO(kind_and_end(kind, end) << ", after " << size << " bytes");
                ScriptedPeer peer = co_await listener.accept();
                const std::string greeted = co_await peer.read_hello();
                CHECK(greeted.starts_with(R"({"client_id": "cut")"));
                co_await peer.send(bytes.substr(0, size));
                if (end == End::half) {
                    peer.end();
                    const std::string came = co_await peer.read_to_end();
                    const auto frames = test::decode_messages(came).frames;
                    CHECK(frames.size() == answers_to(kind, std::max(size, hello.size()) - hello.size()));
                } else {
                    peer.cut();
                }
            }
            CHECK_AWAITED(kind.name, other.request<std::string>("echo", kind.name));

            ScriptedPeer peer = co_await listener.greet("cut");
            co_await client.wait_connected();
            std::optional<int> answer;
            client.request<int>("ask", 1, [&](std::exception_ptr, int number) { answer = number; });
            auto request = co_await peer.read_message();
            while (request.type() != 1) {  // an answer that the cut connection did not take any more
                request = co_await peer.read_message();
            }
            co_await peer.send(request.answer(11, "7"));
            co_await test::until([&] { return answer.has_value(); });
            CHECK(answer == 7);
        }
        co_await client.close();
        co_await other.close();
        co_await other_server.close();
    });
    test::run_out(context);
}

}  // namespace cut_frames
