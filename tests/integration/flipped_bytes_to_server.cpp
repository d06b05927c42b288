// Every golden vector, with each of its bytes changed, on a connection of a real server.
#include "support/golden.hpp"
#include "support/golden_conversation.hpp"
#include "support/pair.hpp"
#include "support/raw_socket.hpp"
#include "support/sanitized.hpp"
#include "support/scripted_peer.hpp"

namespace flipped_bytes_to_server {

using test::RawSocket;

namespace {

const std::string last_request = test::message_frame(R"({"id": "last", "type": 1, "route": "echo"})", "\"here\"");

/// A server whose connections are served until nothing more happens on them.
template <class Server>
class Served {
 public:
    template <class Handlers>
    explicit Served(const Handlers& handlers)
        : server_(context_, communica::LocalConnector("flipped", {.directory = directory_.path()}), handlers) {
        test::run(context_, [this] { return server_.start(); });
        address_ = communica::LocalConnector::load_state(server_.connector_state()).address();
    }

    /// All that comes for these bytes, until the server has closed the connection.
    std::string ask(std::string_view bytes) {
        RawSocket socket = RawSocket::connect(address_);
        socket.send(bytes);
        socket.end();
        const auto end = std::chrono::steady_clock::now() + test::patience;
        while (!socket.ended) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            context_.poll();
            socket.receive();
        }
        return socket.came;
    }

    void close() {
        test::run(context_, [this] { return server_.close(); });
        test::run_out(context_);
    }

 private:
    test::TemporaryDirectory directory_;
    asio::io_context context_;
    Server server_;
    std::string address_;
};

struct Counts {
    int cases = 0;
    int refused = 0;
    int cut_short = 0;  ///< not all the answers that the bytes deserved before their first mistake
    int answered = 0;   ///< with at least one answer
};

/// Checks what came behind the client's hello `hello` and `frames`.
void check(const std::string& came, std::string_view frames, bool routes, Counts& counts) {
    ++counts.cases;
    if (came.empty() || came.front() == '\x04') {
        counts.refused += came.empty() ? 0 : 1;
        return;
    }
    const std::size_t begin = came.find('\0') + 1;
    REQUIRE(begin != 0);
    const auto expected = test::expected_answers(frames, routes);
    const auto count = test::count_answers(std::string_view(came).substr(begin), expected);
    INFO(test::readable(came));
    REQUIRE(count.has_value());
    counts.answered += *count != 0 ? 1 : 0;
    counts.cut_short += *count != expected.size() ? 1 : 0;
}

template <class Served>
Counts flip_all(Served& served, bool routes) {
    Counts counts;
    const std::string hello = test::client_hello("ann");
    std::size_t first = 0;
    for (const auto& vector : test::golden_vectors()) {
        if (!vector.is_stream() || vector.name.starts_with("connector_state")) {
            continue;
        }
        const bool is_hello = vector.bytes.front() == '{' || vector.bytes.front() == '\x04';
        CAPTURE(vector.name);
        for (std::size_t at = first++ % test::shown_every; at < vector.bytes.size(); at += test::shown_every) {
            for (const int change : {0xff, 0x01}) {
                CAPTURE(at, change);
                std::string bytes = vector.bytes;
                bytes[at] = static_cast<char>(bytes[at] ^ change);
                const std::string all = is_hello ? bytes + last_request : hello + bytes + last_request;
                const std::size_t end = all.find('\0');
                check(served.ask(all), std::string_view(all).substr(end + 1), routes, counts);
            }
        }
    }
    return counts;
}

/// Unchanged vectors are answered, so the cases above begin from something that works.
template <class Served>
void check_unchanged(Served& served, bool routes, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        CAPTURE(name);
        const std::string frames = test::golden(name) + last_request;
        const std::string came = served.ask(test::client_hello("ann") + frames);
        REQUIRE(came.find('\0') != came.npos);
        const auto expected = test::expected_answers(frames, routes);
        CHECK(expected.size() == 2);
        CHECK(test::count_answers(std::string_view(came).substr(came.find('\0') + 1), expected) == 2);
    }
}

}  // namespace

TEST_CASE("a simple server answers a golden vector with a wrong byte as the protocol says, or closes its connection") {
    if (test::skip_without_half_close()) {
        return;
    }
    Served<communica::SimpleServer<communica::LocalConnector>> served(
        [](nlohmann::json value) { return test::golden_handler(value); });
    check_unchanged(served, false,
                    {"simple_ok_request", "err_requester_request", "err_data_load_request", "meta_extra_request",
                     "route_ok_request"});
    const Counts counts = flip_all(served, false);
    CHECK(counts.cases > 6000 / test::shown_every);
    CHECK(counts.answered > 1000 / test::shown_every);
    CHECK(counts.refused > 50 / test::shown_every);
    CHECK(counts.cut_short == 0);
    served.close();
}

TEST_CASE("a route server answers a golden vector with a wrong byte as the protocol says, or closes its connection") {
    if (test::skip_without_half_close()) {
        return;
    }
    test::Routes routes;
    routes.add("echo", [](nlohmann::json value) { return test::golden_handler(value); });
    Served<communica::RouteServer<communica::LocalConnector>> served(routes);
    check_unchanged(served, true, {"route_ok_request", "route_undefined_request", "simple_ok_request"});
    const Counts counts = flip_all(served, true);
    CHECK(counts.cases > 6000 / test::shown_every);
    CHECK(counts.answered > 1000 / test::shown_every);
    CHECK(counts.refused > 50 / test::shown_every);
    CHECK(counts.cut_short == 0);
    served.close();
}

}  // namespace flipped_bytes_to_server
