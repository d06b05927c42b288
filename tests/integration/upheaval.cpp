// Threads start, restart, ask, stop and destroy entities, while others run the io_context: nothing is raced for, and every
// operation completes once.
#include "support/pair.hpp"

#include <communica/connectors/local.hpp>
#include <communica/connectors/memory.hpp>

#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace upheaval {

/// A number that takes its time to load: between the look whether a handler may start and its start.
struct Slow {
    int number = 0;
};

}  // namespace upheaval

template <>
struct communica::Converter<upheaval::Slow> {
    static int dump(const upheaval::Slow& value) { return value.number; }
    static upheaval::Slow load(int number) {
        for (int turn = 0; turn != 20; ++turn) {
            std::this_thread::yield();
        }
        return {number};
    }
};

namespace upheaval {

using test::Routes;
using namespace std::chrono_literals;

namespace {

constexpr int io_threads = 4;
constexpr int asking_threads = 16;

/// Operations that were begun, and how often they have ended.
class Tally {
 public:
    auto begin() {
        ++begun_;
        return [this, has_ended = std::make_shared<std::atomic<bool>>(false)](const std::exception_ptr&, auto&&...) {
            ++(has_ended->exchange(true) ? twice_ : ended_);
        };
    }

    int begun() const { return begun_; }
    int ended() const { return ended_; }
    int twice() const { return twice_; }

 private:
    std::atomic<int> begun_ = 0;
    std::atomic<int> ended_ = 0;
    std::atomic<int> twice_ = 0;
};

/// Whether an entity has been destroyed, and how often its handlers have started since.
struct Watched {
    std::atomic<bool> is_gone = false;
    std::atomic<int> late = 0;
    void see() { late += is_gone ? 1 : 0; }
};

Routes routes(const std::shared_ptr<Watched>& watched = std::make_shared<Watched>()) {
    Routes table;
    table.add("echo", [watched](const Slow& slow) {
        watched->see();
        return slow.number;
    });
    table.add("pause", [watched](int number) -> asio::awaitable<int> {
        watched->see();
        asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(number));
        co_await timer.async_wait(asio::use_awaitable);
        co_return number;
    });
    return table;
}

template <class Connector>
class Upheaval {
    using Server = communica::RouteServer<Connector>;
    using Client = communica::RouteClient<Connector>;

 public:
    explicit Upheaval(Connector connector) : connector_(connector), server_(context_, connector, routes(), silent()) {}

    void run(std::chrono::steady_clock::duration time) {
        const auto end = std::chrono::steady_clock::now() + time;
        auto work =
            std::make_unique<asio::executor_work_guard<asio::io_context::executor_type>>(context_.get_executor());
        std::vector<std::thread> running;
        for (int number = 0; number != io_threads; ++number) {
            running.emplace_back([&] { context_.run_until(end + test::patience); });
        }
        std::vector<std::thread> asking;
        for (int number = 0; number != asking_threads; ++number) {
            asking.emplace_back([&, number] {
                std::minstd_rand random(static_cast<unsigned>(number + 1));
                while (std::chrono::steady_clock::now() < end) {
                    act(random);
                }
            });
        }
        for (auto& thread : asking) {
            thread.join();
        }
        server_.stop();
        work.reset();
        for (auto& thread : running) {
            thread.join();
        }
        CHECK(context_.stopped());
    }

    const Tally& tally() const { return tally_; }
    /// Handlers that started after their entity was destroyed.
    int late() const {
        return std::accumulate(gone_.begin(), gone_.end(), 0,
                               [](int sum, const auto& watched) { return sum + watched->late; });
    }

 private:
    static communica::ServerOptions silent() {
        communica::ServerOptions options;
        options.log = communica::no_log;
        return options;
    }

    /// To the server of all, and to clients and servers of one's own.
    void act(std::minstd_rand& random) {
        switch (random() % 8) {
            case 0: return server_.start(tally_.begin());
            case 1: return server_.stop();
            case 2: return server_.close(tally_.begin());
            case 3: return server_.drain(5ms, tally_.begin());
            case 4: return ask(server_, random);
            case 5: return meet_own_server(random);
            default: return use_client(connector_, random);
        }
    }

    /// Until it is destroyed, whatever it is about then.
    void use_client(const Connector& connector, std::minstd_rand& random) {
        auto options = test::quick_client(std::to_string(random() % 20));
        options.log = communica::no_log;
        Client client(context_, connector, routes(), options);
        for (auto step = random() % 10; step != 0; --step) {
            switch (random() % 8) {
                case 0: client.start(); break;
                case 1: client.stop(); break;
                case 2: client.connect(tally_.begin()); break;
                case 3: client.close(tally_.begin()); break;
                case 4: client.drain(5ms, tally_.begin()); break;
                case 5: client.run(tally_.begin()); break;
                default: ask(client, random); break;
            }
        }
    }

    void meet_own_server(std::minstd_rand& random) {
        const communica::MemoryConnector connector;
        const auto watched = std::make_shared<Watched>();
        {
            communica::RouteServer server(context_, connector, routes(watched), silent());
            server.start(tally_.begin());
            server.start(tally_.begin());
            communica::ClientOptions options;
            options.log = communica::no_log;
            communica::RouteClient client(context_, connector, routes(watched), options);
            ask(client, random);
            ask(server, random);
            if (random() % 2 == 0) {
                server.close(tally_.begin());
                server.start(tally_.begin());
            } else {  // with handlers at work
                client.connect(asio::use_future).get();
            }
            for (auto more = random() % 20; more != 0; --more) {
                ask(client, random);
            }
        }
        watched->is_gone = true;
        const std::lock_guard lock(mutex_);
        gone_.push_back(watched);
    }

    void ask(auto& entity, std::minstd_rand& random) {
        const communica::RequestOptions options{.timeout = std::chrono::milliseconds(1 + random() % 100)};
        const int number = static_cast<int>(random() % 10);
        switch (random() % 3) {
            case 0: return entity.template request<int>("echo", number, options, tally_.begin());
            case 1: return entity.template request<int>("pause", number, options, tally_.begin());
            default: return entity.notify("echo", number, options, tally_.begin());
        }
    }

    asio::io_context context_{io_threads};
    const Connector connector_;
    Tally tally_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<Watched>> gone_;
    Server server_;
};

void turn_over(std::chrono::steady_clock::duration time) {
    const test::TemporaryDirectory directory;
    const auto check = [time](auto connector) {
        Upheaval upheaval(connector);
        upheaval.run(time / 2);
        CHECK(upheaval.tally().begun() > 100);
        CHECK(upheaval.tally().ended() == upheaval.tally().begun());
        CHECK(upheaval.tally().twice() == 0);
        CHECK(upheaval.late() == 0);
    };
    check(communica::MemoryConnector());
    check(communica::LocalConnector("upheaval", {.directory = directory.path()}));
}

}  // namespace

TEST_CASE("entities stand whatever threads do to them at the same time") { turn_over(2s); }

TEST_CASE("entities stand a whole minute of it", "[.long]") { turn_over(60s); }

}  // namespace upheaval
