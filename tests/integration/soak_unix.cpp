// Processes that are killed, stopped for a while and started again, links that are slow, broken and reset, requests both ways of
// which some are cancelled or late, by sixteen threads: each request ends once, nothing is handled twice, what a flush has vouched
// for was handled, and nothing grows. COMMUNICA_SOAK_SECONDS says for how long, COMMUNICA_SOAK_SEED in which order.
#include "support/fault_proxy.hpp"
#include "support/memory.hpp"
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/sanitized.hpp"
#include "support/soak.hpp"
#include "support/temporary_directory.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <list>
#include <mutex>
#include <numeric>
#include <thread>
#include <unordered_set>

namespace soak_unix {

using test::FaultProxy;
using test::Process;
using namespace std::chrono_literals;

namespace {

using Client = communica::RouteClient<communica::TcpConnector>;
using Clock = std::chrono::steady_clock;

auto open_descriptors(const std::string& process = "self") {
    return std::distance(std::filesystem::directory_iterator("/proc/" + process + "/fd"),
                         std::filesystem::directory_iterator());
}

/// How requests have ended. Thread-safe.
struct Tally {
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
    std::atomic<int> right = 0;
    std::atomic<int> wrong = 0;  ///< a value other than the right one
    std::atomic<int> twice = 0;
    std::atomic<int> late = 0;
    std::atomic<int> cancelled = 0;
};

/// Numbers that servers are told to keep, each once. Thread-safe.
class Numbers {
 public:
    struct Range {
        int first = 0;
        int count = 0;
    };
    Range take(int count) { return {next_.fetch_add(count), count}; }
    /// They have been handled.
    void vouch(Range range) {
        const std::lock_guard lock(mutex_);
        handled_.push_back(range);
    }

    /// How many of the file's numbers are there again, and of those vouched for are missing.
    std::pair<int, int> compare(const std::string& file) const {
        std::unordered_set<int> kept;
        int again = 0;
        int missing = 0;
        std::ifstream numbers(file);
        for (int number = 0; numbers >> number;) {
            again += kept.insert(number).second ? 0 : 1;
        }
        for (const auto& [first, count] : handled_) {
            for (int number = first; number != first + count; ++number) {
                missing += kept.contains(number) ? 0 : 1;
            }
        }
        return {again, missing};
    }
    int vouched_for() const {
        return std::accumulate(handled_.begin(), handled_.end(), 0,
                               [](int sum, Range range) { return sum + range.count; });
    }

 private:
    std::atomic<int> next_ = 1;
    std::mutex mutex_;
    std::vector<Range> handled_;
};

/// Clients whose requests sixteen threads begin and complete.
class Load {
 public:
    static constexpr int at_once = 8;  ///< of each client
    static constexpr int threads = 16;

    /// The last connector's link is faulty.
    Load(const std::vector<communica::TcpConnector>& connectors, unsigned seed) {
        for (const auto& connector : connectors) {
            auto options = test::quick_client("soak-" + std::to_string(clients_.size()));
            options.log = communica::no_log;
            options.resume_window = 50ms;
            clients_.emplace_back(context_, connector, test::mixed_routes(notes_), options);
            clients_.back().start();
            for (int number = 0; number != at_once; ++number) {
                next(clients_.back(), std::make_shared<std::minstd_rand>(++seed));
            }
            if (clients_.size() != connectors.size()) {  // what is altered on its way is refused, and a flush completes
                notify_some(clients_.back(), std::make_shared<std::minstd_rand>(++seed));
            }
        }
        for (int number = 0; number != threads; ++number) {
            threads_.emplace_back([this] { context_.run(); });
        }
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() {
        context_.stop();
        join();
    }

    std::list<Client>& clients() { return clients_; }
    const Tally& tally() const { return tally_; }
    const Numbers& numbers() const { return numbers_; }
    /// Begins no more requests.
    void finish() { stopping_ = true; }
    /// So many requests of each client, which nothing but their own end ends.
    void ask_without_deadline(int count) {
        const auto random = std::make_shared<std::minstd_rand>(count);
        for (Client& client : clients_) {
            for (int number = 0; number != count; ++number) {
                ++tally_.begun;
                ask_without_deadline(client, random, number);
            }
        }
    }
    bool has_ended() const { return tally_.begun == tally_.ended; }
    /// After the clients were closed: everything ends by itself.
    void join() {
        work_.reset();
        for (auto& thread : threads_) {
            if (thread.joinable()) {
                thread.join();
            }
        }
    }

 private:
    using Random = std::shared_ptr<std::minstd_rand>;

    void next(Client& client, Random random) {
        ++tally_.begun;
        asio::post(context_, [this, &client, random] { ask(client, random); });
    }

    /// A completion that counts how it was called, and begins the next request.
    template <class Reply>
    auto checked(Client& client, Random random, Reply expected) {
        const auto latest = Clock::now() + 3s + lateness;
        return [this, &client, random = std::move(random), expected = std::move(expected), latest,
                has_ended = std::make_shared<std::atomic<bool>>(false)](const std::exception_ptr& failure,
                                                                        const Reply& answer) {
            if (has_ended->exchange(true)) {
                ++tally_.twice;
                return;
            }
            if (!failure) {
                ++(answer == expected ? tally_.right : tally_.wrong);
            }
            tally_.late += Clock::now() > latest ? 1 : 0;
            if (!stopping_) {
                next(client, random);
            }
            ++tally_.ended;
        };
    }

    void ask(Client& client, const Random& random) {
        const communica::RequestOptions options{.timeout = 3s};
        const int milliseconds = static_cast<int>((*random)() % 40);
        switch ((*random)() % 10) {
            case 8: return ask_without_deadline(client, random, milliseconds);
            case 9: {
                const auto number = numbers_.take(1);
                return client.request<int>("keep", number.first, options,
                                           [this, number, then = checked(client, random, number.first)](
                                               const std::exception_ptr& failure, int answer) mutable {
                                               if (!failure) {
                                                   numbers_.vouch(number);
                                               }
                                               then(failure, answer);
                                           });
            }
            case 0: {  // its answer comes too late, or just in time
                const communica::RequestOptions brief{.timeout = std::chrono::milliseconds((*random)() % 40)};
                return client.request<int>("slow", milliseconds, brief, checked(client, random, milliseconds));
            }
            case 1: return ask_and_cancel(client, random, milliseconds);
            case 2:  // the other side asks back
                return client.request<bool>("send me", (*random)() % 20'000, options, checked(client, random, true));
            case 3: {
                const communica::RequestOptions again{.timeout = 3s, .idempotent = true};
                return client.request<int>("slow", milliseconds, again, checked(client, random, milliseconds));
            }
            default: {
                const std::string text((*random)() % ((*random)() % 4 == 0 ? 100'000 : 500), 'x');
                return client.request<std::string>("echo", text, options, checked(client, random, text));
            }
        }
    }

    void ask_without_deadline(Client& client, const Random& random, int milliseconds) {
        const communica::RequestOptions endless{.timeout = std::nullopt};
        client.request<int>("slow", milliseconds, endless, checked(client, random, milliseconds));
    }

    void ask_and_cancel(Client& client, const Random& random, int milliseconds) {
        ++tally_.cancelled;
        const std::chrono::milliseconds patience((*random)() %
                                                 30);  // drawn before a completion draws on another thread
        const auto cancellable = std::make_shared<test::LateCancellation>(context_);
        auto done = [cancellable, then = checked(client, random, milliseconds)](
                        const std::exception_ptr& failure, int answer) mutable { then(failure, answer); };
        client.request<int>("slow", milliseconds, communica::RequestOptions{.timeout = 3s},
                            asio::bind_cancellation_slot(cancellable->signal.slot(), std::move(done)));
        test::LateCancellation::begin(cancellable, patience);
    }

    /// Again and again some notifications and a flush, which says whether all were handled.
    void notify_some(Client& client, const Random& random) {
        struct Burst {
            Numbers::Range range;
            std::atomic<int> left;
            std::atomic<bool> failed = false;
        };
        const int count = 1 + static_cast<int>((*random)() % 50);
        const auto burst = std::make_shared<Burst>(numbers_.take(count), count + 1);
        const auto ended = [this, &client, random, burst](const std::exception_ptr& failure) {
            if (failure) {
                burst->failed = true;
            }
            if (--burst->left == 0) {
                if (!burst->failed) {
                    numbers_.vouch(burst->range);
                }
                if (!stopping_) {
                    asio::post(context_, [this, &client, random] { notify_some(client, random); });
                }
            }
            ++tally_.ended;
        };
        tally_.begun += count + 1;
        const communica::RequestOptions options{.timeout = 3s};
        for (int number = 0; number != count; ++number) {
            client.notify("keep", burst->range.first + number, options, ended);
        }
        client.flush(options, ended);
    }

    static constexpr auto lateness = 15s;  ///< after its deadline: machines are busy

    asio::io_context context_;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{context_.get_executor()};
    int notes_ = 0;
    Numbers numbers_;
    std::list<Client> clients_;
    Tally tally_;
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> threads_;
};

/// What happens to a load: a server's process, another process of clients, and the links between.
class Upset {
 public:
    explicit Upset(unsigned seed) : random_(seed) {
        start(serving_, "serving", {communica::TcpConnector("127.0.0.1", 0).dump_state()});
        state_ = serving_->expect("READY");
        servers_descriptors_ =
            open_descriptors(std::to_string(serving_->id())) + 1;  // its spare one may not be open yet
        start_clients();
        links_.emplace(context_, state_, seed);
        links_->heal();  // they are only reset, when told to
        slow_links_.emplace(context_, state_, seed);
    }

    void run(std::chrono::seconds time) {
        Load load({links_->connector(), links_->connector(), links_->connector(), slow_links_->connector()},
                  static_cast<unsigned>(random_()));
        test::run(context_, [&] { return upset(load, time); }, time + 5 * test::patience);
        load.join();
        CHECK(load.has_ended());
        test::run_out(context_);
        const Tally& tally = load.tally();
        const auto [handled_again, missing] = load.numbers().compare(kept());
        std::cout << tally.begun << " asked, " << tally.right << " right, " << tally.cancelled << " cancelled; "
                  << kills_ << " kills, " << stops_ << " stops, " << resets_ << " resets, " << restarts_
                  << " clients stopped and started; " << load.numbers().vouched_for() << " known as handled, "
                  << handled_again << " handled again, " << missing << " missing; grown by " << growth_ / 1024
                  << " KiB\n";
        CHECK(not_ended_ == 0);
        CHECK(descriptors_left_ <= 0);
        CHECK(tally.ended == tally.begun);
        CHECK(tally.wrong == 0);
        CHECK(tally.twice == 0);
        CHECK(tally.late == 0);
        CHECK(tally.right > 0);
        CHECK(load.numbers().vouched_for() > 0);
        CHECK(handled_again == 0);
        CHECK(missing == 0);
        CHECK(growth_ < test::growth_allowed);
        serving_->end_input();
        CHECK(serving_->wait() == test::in_order);
    }

 private:
    std::string kept() const { return directory_.path() + "/kept"; }
    void start(std::optional<Process>& process, const std::string& program, std::vector<std::string> arguments) {
        process.reset();
        test::ProcessOptions options;
        options.environment.push_back("COMMUNICA_TEST_KEPT=" + kept());
        process.emplace(program, std::move(arguments), options);
    }
    void start_clients() { start(asking_, "asking", {state_, "others", "4", "1000000"}); }

    asio::awaitable<void> upset(Load& load, std::chrono::seconds time) {
        const auto begin = Clock::now();
        std::optional<std::size_t> early;  // memory is what it is once everything has happened several times
        while (Clock::now() < begin + time) {
            co_await pause(std::chrono::milliseconds(random_() % 300));
            co_await test::until([&load, before = load.tally().right.load()] { return load.tally().right != before; });
            co_await upset_once(load);
            if (!early && Clock::now() > begin + time / 4) {
                early = test::resident_bytes();
            }
        }
        slow_links_->heal();
        load.finish();
        co_await for_a_while([&load] { return load.has_ended(); });
        for (int round = 0; round != 5 && load.has_ended(); ++round) {  // one reset, after which nothing else ends them
            load.ask_without_deadline(40);
            co_await pause(std::chrono::milliseconds(random_() % 40));
            links_->reset_all();
            slow_links_->reset_all();
            co_await for_a_while([&load] { return load.has_ended(); });
        }
        not_ended_ = load.tally().begun - load.tally().ended;
        const communica::RequestOptions again{.timeout = test::patience, .idempotent = true};
        for (Client& client : load.clients()) {  // all is well again, once the last reset is over
            CHECK_AWAITED(1, client.request<int>("echo", 1, again));
            CHECK_AWAITED(50, client.request<int>("ask me", 50));
        }
        growth_ = test::growth_since(early.value());
        for (Client& client : load.clients()) {
            co_await client.close();
        }
        links_->close();
        slow_links_->close();
        asking_.reset();
        const auto left = [this] { return open_descriptors(std::to_string(serving_->id())) - servers_descriptors_; };
        co_await for_a_while([&left] { return left() <= 0; });
        descriptors_left_ = left();
    }

    asio::awaitable<void> upset_once(Load& load) {
        switch (random_() % 8) {
            case 0:
                ++kills_;
                serving_->kill();
                serving_->wait();
                start(serving_, "serving", {state_});
                serving_->expect("READY");
                break;
            case 1:
                ++kills_;
                asking_->kill();
                asking_->wait();
                start_clients();
                break;
            case 2: co_await stop_for_a_while(*serving_); break;
            case 3: co_await stop_for_a_while(*asking_); break;
            case 4: {  // a new life, in which the server forgets what it still does for the last one
                Client& client =
                    *std::next(load.clients().begin(), static_cast<int>(random_() % load.clients().size()));
                ++restarts_;
                client.stop();
                client.start();
                break;
            }
            default:
                ++resets_;
                links_->reset_all();
                slow_links_->reset_all();
        }
    }

    /// Until the condition is true, or it is too late.
    template <class Condition>
    static asio::awaitable<void> for_a_while(Condition condition) {
        const auto end = Clock::now() + test::patience;
        const auto is_over = [&condition, end] { return condition() || Clock::now() > end; };
        co_await test::until(is_over);
    }
    asio::awaitable<void> stop_for_a_while(const Process& process) {
        ++stops_;
        ::kill(static_cast<::pid_t>(process.id()), SIGSTOP);
        co_await pause(std::chrono::milliseconds(100 + random_() % 500));
        ::kill(static_cast<::pid_t>(process.id()), SIGCONT);
    }
    asio::awaitable<void> pause(std::chrono::milliseconds time) {
        asio::steady_timer timer(context_, time);
        co_await timer.async_wait(asio::use_awaitable);
    }

    const test::TemporaryDirectory directory_;
    asio::io_context context_;
    std::minstd_rand random_;
    std::string state_;
    std::ptrdiff_t servers_descriptors_ = 0;
    std::optional<Process> serving_;
    std::optional<Process> asking_;
    std::optional<FaultProxy> links_;
    std::optional<FaultProxy> slow_links_;
    int kills_ = 0;
    int stops_ = 0;
    int resets_ = 0;
    int restarts_ = 0;
    int not_ended_ = 0;                    ///< while the clients were there
    std::ptrdiff_t descriptors_left_ = 0;  ///< of the server, without clients
    std::size_t growth_ = 0;
};

void soak_for(unsigned seconds) {
    const unsigned seed = test::from_environment("COMMUNICA_SOAK_SEED", 1);
    std::cout << "seed " << seed << ": " << std::flush;
    const auto descriptors = open_descriptors();
    Upset(seed).run(std::chrono::seconds(seconds));
    CHECK(open_descriptors() == descriptors);
}

}  // namespace

TEST_CASE("each request ends once while processes are killed and stopped, and links are slow and break") {
    if (test::sanitized) {
        WARN("skipped: a sanitizer takes minutes for it");
        return;
    }
    soak_for(10);
}

TEST_CASE("each request ends once, and nothing grows, in ten minutes of it", "[.long]") {
    soak_for(test::from_environment("COMMUNICA_SOAK_SECONDS", 600));
}

}  // namespace soak_unix
