// Messages that never end: what a thousand connections can have a server hold at its default limits.
#include "support/memory.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/raw_socket.hpp"
#include "support/scripted_peer.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <span>

#include <poll.h>

namespace unfinished_messages {

using test::mebibyte;
using test::Process;
using test::RawSocket;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Client = communica::RouteClient<communica::LocalConnector>;

constexpr std::size_t connections = 1000;
constexpr std::size_t claimed = 60 * mebibyte;  // of the body

/// The most memory that a process ever had.
std::size_t peak_bytes(::pid_t id) {
    std::ifstream file("/proc/" + std::to_string(id) + "/status");
    for (std::string word; file >> word;) {
        if (word == "VmHWM:") {
            std::size_t kibibytes = 0;
            file >> kibibytes;
            return kibibytes * 1024;
        }
    }
    throw std::runtime_error("no process " + std::to_string(id));
}

/// A client that sends all of a message but its last byte.
class Endless {
 public:
    /// In one frame, or in chunks of a mebibyte.
    Endless(const std::string& path, std::size_t number, bool chunked)
        : socket_(RawSocket::connect(path)), chunked_(chunked) {
        socket_.send(test::client_hello(std::to_string(number)));  // at once: few may be without
        if (chunked_) {
            head_ = chunk_head(0);
            run_ = mebibyte;
        } else {
            head_ = test::u32(5 + metadata.size() + claimed) + '\x0a' + test::u32(4 + metadata.size()) + metadata;
            run_ = claimed;
        }
    }

    /// Sends what is taken at once, up to so many bytes in all; says whether anything was.
    bool send_up_to(std::size_t goal) {
        static const std::string part(mebibyte, '1');
        socket_.receive();
        if (socket_.ended) {
            return false;
        }
        if (!head_.empty()) {
            const std::size_t count = socket_.send_some(head_);
            head_.erase(0, count);
            return count != 0;
        }
        if (run_ == 0) {
            head_ = chunk_head(sent_ / mebibyte);
            run_ = mebibyte;
            return true;
        }
        const std::size_t wanted = std::min({goal - std::min(goal, sent_), run_, part.size()});
        const std::size_t count = wanted == 0 ? 0 : socket_.send_some(std::string_view(part).substr(0, wanted));
        sent_ += count;
        run_ -= count;
        return count != 0;
    }

    /// All but the last byte of the message.
    static constexpr std::size_t all = claimed - 1;
    std::size_t sent() const noexcept { return sent_; }
    bool is_greeted() const { return socket_.came.starts_with(test::server_hello); }
    bool is_refused() const { return socket_.came.find("\"errc\": \"busy\"") != socket_.came.npos; }
    bool is_closed() const noexcept { return socket_.ended; }
    ::pollfd to_poll(bool wants_to_send) const {
        return {.fd = socket_.descriptor(),
                .events = static_cast<short>(wants_to_send ? POLLIN | POLLOUT : POLLIN),
                .revents = 0};
    }

 private:
    static inline const std::string metadata = R"({"id": "1", "type": 1, "route": "echo"})";

    static std::string chunk_head(std::size_t index) {
        const std::string_view text = index == 0 ? metadata : std::string_view();
        return test::u32(13 + text.size() + mebibyte) + '\x0b' + test::u32(index) + test::u32(claimed / mebibyte) +
               test::u32(text.size()) + std::string(text);
    }

    RawSocket socket_;
    std::string head_;  // to be sent before what follows
    bool chunked_;
    std::size_t run_ = 0;  // bytes up to the next head
    std::size_t sent_ = 0;
};

/// A server in a process of its own, and a good client of it.
struct Served {
    Served() : serving("serving", {connector.dump_state()}), client(context, connector, test::quick_client("good")) {
        serving.expect("READY");
        test::run(context, [&] { return client.connect(); });
    }

    void check_good_client() {
        test::run(context, [&]() -> asio::awaitable<void> {
            const auto begin = Clock::now();
            CHECK_AWAITED(7, client.request<int>("echo", 7));
            slowest = std::max(slowest, Clock::now() - begin);
        });
    }

    /// Has each of them send, all at the same time, until `is_done(one)`, but not more than `goal` bytes.
    template <class Done>
    void drive(std::span<Endless> all, std::size_t goal, Done is_done) {
        const auto deadline = Clock::now() + 5 * test::patience;
        std::vector<::pollfd> polled;
        do {
            bool progress = false;
            polled.clear();
            for (Endless& one : all) {
                if (is_done(one)) {
                    continue;
                }
                progress = one.send_up_to(goal) || progress;
                if (one.is_closed()) {
                    FAIL("the server closed a connection");
                }
                if (!is_done(one)) {
                    polled.push_back(one.to_poll(one.sent() < goal));
                }
            }
            if (!progress && !polled.empty()) {
                ::poll(polled.data(), polled.size(), 1000);
            }
            if (++rounds % 100 == 0) {
                check_good_client();
            }
            if (Clock::now() > deadline) {
                FAIL("not done at the deadline");
            }
        } while (!polled.empty());
    }

    std::size_t rounds = 0;
    Clock::duration slowest{0};
    const test::TemporaryDirectory directory;
    const communica::LocalConnector connector{"unfinished", {.directory = directory.path()}};
    Process serving;
    asio::io_context context;
    Client client;
};

/// What the server may have: without the sanitizers, who keep what was freed for a while, and a shadow of everything.
constexpr std::size_t most = test::sanitized ? 4096 * mebibyte : 1024 * mebibyte;

/// `read_past`: what each of them sends at the least, also when it was refused.
void check_a_thousand(bool chunked, std::size_t read_past) {
    Served served;
    std::vector<Endless> all;
    for (std::size_t number = 0; number != connections; ++number) {
        all.emplace_back(served.connector.address(), number, chunked);
    }
    served.drive(all, 0, [](const Endless& one) { return one.is_greeted(); });
    // Each sends on until it has sent all, or hears that the server has no room for it.
    served.drive(all, Endless::all, [](const Endless& one) { return one.is_refused() || one.sent() == Endless::all; });
    // The refused send on: it is read, and not kept.
    served.drive(all, read_past, [&](const Endless& one) { return one.sent() >= read_past; });
    served.check_good_client();

    std::size_t sent = 0;
    std::size_t held = 0;
    for (const Endless& one : all) {
        sent += one.sent();
        held += one.is_refused() ? 0 : 1;
        CHECK_FALSE(one.is_closed());
    }
    const std::size_t peak = peak_bytes(served.serving.id());
    std::cout << connections << " connections claimed messages of 60 MiB, " << (chunked ? "in chunks" : "whole")
              << ", and sent " << sent / mebibyte << " MiB in all; " << held
              << " are held, the others were refused; the server has "
              << test::resident_bytes(served.serving.id()) / mebibyte << " MiB, had " << peak / mebibyte
              << " MiB at the most, and answered another client within "
              << std::chrono::duration_cast<std::chrono::milliseconds>(served.slowest).count() << " ms\n";
    CHECK(peak < most);
    CHECK(held * claimed < most);

    // With its connection each message is forgotten, and there is room for one that ends.
    all.clear();
    test::run(served.context, [&]() -> asio::awaitable<void> {
        const std::string text(32 * mebibyte, 'x');
        for (bool busy = true; busy;) {  // until the server has seen that they are gone
            try {
                const auto answer = co_await served.client.request<std::string>("echo", text, {.timeout = 60s});
                CHECK(answer.size() == text.size());
                busy = false;
            } catch (const std::system_error& e) {
                REQUIRE(e.code() == communica::errc::busy);
            }
        }
        co_await served.client.close();
    });
    test::run_out(served.context);
    served.serving.end_input();
    CHECK(served.serving.wait() == test::in_order);
}

}  // namespace

TEST_CASE("a thousand connections that claim 60 MiB each, and send until they are refused, cost a server under 1 GiB") {
    const bool chunked = GENERATE(false, true);
    CAPTURE(chunked);
    check_a_thousand(chunked, 2 * mebibyte);
}

TEST_CASE("a thousand connections that send 60 MiB each of an unfinished message cost a server under 1 GiB",
          "[.long]") {
    const bool chunked = GENERATE(false, true);
    CAPTURE(chunked);
    check_a_thousand(chunked, Endless::all);
}

}  // namespace unfinished_messages
