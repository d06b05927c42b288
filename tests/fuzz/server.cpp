// Any bytes on one connection of a real server: it ends that connection, answers another as before, and can be closed.
#include "fuzz.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <string>

namespace {

using test::RawSocket;
using namespace std::chrono_literals;

/// Of this process, for its server's socket.
const std::string& directory() {
    static const test::TemporaryDirectory made;
    return made.path();
}

communica::RouteTable<> routes() {
    communica::RouteTable<> table;
    table.add("echo", [](nlohmann::json value) { return value; });
    table.add("number", [](int number) { return number; });
    table.add("whatever", [](std::string text) -> std::string { throw communica::ResponderError(text, 500); });
    table.add("post", [](nlohmann::json value) -> asio::awaitable<nlohmann::json> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return value;
    });
    // Never answers: has to be cancelled with its connection's session.
    table.add("late", []() -> asio::awaitable<void> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    // Asks back, and waits for what does not come.
    table.add("ask", [](communica::RoutePeer<>& caller) -> asio::awaitable<int> {
        co_return co_await caller.request<int>("number", nullptr, {.timeout = 10s});
    });
    // Reports each number up to its argument.
    table.add("progress", [](int last, communica::Context& context) {
        for (int number = 0; number < last && number != 100; ++number) {
            context.progress(number);
        }
        return last;
    });
    // Gives back what comes, and counts on while nothing does.
    table.add("pass",
              [](nlohmann::json first, communica::Stream<nlohmann::json> items) -> communica::Stream<nlohmann::json> {
                  co_yield first;
                  while (const auto item = co_await items.next()) {
                      co_yield *item;
                  }
              });
    return table;
}

communica::ServerOptions options(unsigned choice) {
    communica::ServerOptions result;
    if (choice & 1) {
        result.limits = {.max_message = 300, .max_metadata = 100, .max_frame = 60};
    }
    return result;
}

class Case {
 public:
    explicit Case(unsigned choice)
        : connector_("fuzz", {.directory = directory()}), server_(context_, connector_, routes(), options(choice)) {
        asio::co_spawn(context_, server_.start(), [](std::exception_ptr failure) { fuzz::require(!failure, "start"); });
        settle();
    }

    void run(std::string_view input, std::size_t step) {
        RawSocket good = RawSocket::connect(connector_.address());
        good.send(std::string_view("{\"client_id\": \"the good one\"}\0", 30));
        settle();
        good.receive();
        fuzz::require(good.came.ends_with('\0'), "greeted");
        good.came.clear();
        {
            RawSocket bad = RawSocket::connect(connector_.address());
            feed(bad, input, step);
            bad.end();
            settle(&bad);
            fuzz::require(bad.ended, "the connection has ended");
        }
        const std::string_view request("\0\0\0\x2f\x0a\0\0\0\x2b{\"id\": \"1\", \"type\": 1, \"route\": \"echo\"}123",
                                       51);
        fuzz::require(good.send(request), "the good connection lives");
        settle();
        good.receive();
        fuzz::require(good.came.ends_with("123") && good.came.find("\"type\": 11") != std::string::npos, "is served");
        close(good);
    }

 private:
    /// Everything that can be done now.
    void settle(RawSocket* reading = nullptr) {
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (context_.poll() != 0) {
            if (reading != nullptr) {
                reading->receive();
            }
            fuzz::require(std::chrono::steady_clock::now() < end, "comes to rest");
        }
        if (reading != nullptr) {
            reading->receive();
        }
    }

    /// In pieces; where the id of a request to us is wanted, it is filled in once that request has come.
    void feed(RawSocket& bad, std::string_view input, std::size_t step) {
        constexpr std::string_view wanted{"{the id of what was asked of us}"};
        std::string bytes(input);
        const std::size_t first = bytes.find('\0') + 1;  // the hello goes by itself
        bool open = bad.send(bytes.substr(0, first));
        settle(&bad);
        ask();
        settle(&bad);
        bytes.erase(0, first == 0 ? bytes.size() : first);
        const std::size_t id = bad.came.find("\"id\": \"");
        for (std::size_t at = 0; id != bad.came.npos && (at = bytes.find(wanted, at)) != bytes.npos;) {
            bytes.replace(at, wanted.size(), bad.came.substr(id + 7, wanted.size()));
        }
        for (std::size_t at = 0; open && at < bytes.size(); at += step) {
            open = bad.send(std::string_view(bytes).substr(at, step));
            settle(&bad);
        }
    }

    /// A request to whoever is there, which has to end once.
    void ask() {
        ++asked_;
        const communica::OnProgress ignore{[](int) {}};
        const communica::RequestOptions options{.on_progress = &ignore};
        server_.request<int>("number", 1, options, [this](std::exception_ptr, int) { ++ended_; });
    }

    void close(RawSocket& good) {
        bool closed = false;
        asio::co_spawn(context_, server_.close(), [&](std::exception_ptr) { closed = true; });
        settle();
        good.receive();
        good.end();
        fuzz::require(good.came.ends_with(std::string_view("\0\0\0\1\x14", 5)), "says goodbye");
        settle(&good);
        fuzz::require(good.ended && closed, "closes");
        fuzz::require(context_.stopped(), "nothing is left to do");
        fuzz::require(ended_ == asked_, "each request ended once");
    }

    asio::io_context context_;
    communica::LocalConnector connector_;
    communica::RouteServer<communica::LocalConnector> server_;
    int asked_ = 0;
    int ended_ = 0;
};

}  // namespace

void fuzz_one(std::string_view input) {
    const unsigned choice = fuzz::take_byte(input);
    const std::size_t pieces = 1 + (choice >> 4);
    Case(choice).run(input, input.size() / pieces + 1);
}
