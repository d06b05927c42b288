// A server's process that is killed and started again, many times, while it is asked.
#include "support/memory.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/watched_requests.hpp"

#include <future>
#include <iostream>

namespace killed_server {

using communica::AnyConnector;
using test::Process;
using test::Transport;
using test::WatchedRequests;
using namespace std::chrono_literals;

namespace {

constexpr int at_once = 64;

/// A client on a thread of its own, which has so many requests under way at all times.
class Asking {
 public:
    explicit Asking(const std::string& state) : client_(context_, AnyConnector::load_state(state), options()) {
        for (int number = 0; number != at_once; ++number) {
            ask();
        }
        client_.start();
        thread_ = std::thread([this] {
            context_.run();
            done_.set_value();
        });
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() {
        context_.stop();
        thread_.join();
    }

    /// Waits until so many more requests were answered as they should.
    void wait_for_answers(int count) {
        auto reached = std::make_shared<std::promise<void>>();
        auto future = reached->get_future();
        asio::post(context_, [this, count, reached] {
            goal_ = requests_.right + count;
            reached_ = reached;
        });
        if (future.wait_for(test::patience) != std::future_status::ready) {
            throw std::runtime_error("no answers after a restart");
        }
    }

    /// Ends the asking; gives what happened once all that is left has ended.
    const WatchedRequests& finish() {
        asio::post(context_, [this] {
            stopping_ = true;
            client_.stop();
        });
        if (done_.get_future().wait_for(test::patience) != std::future_status::ready) {
            throw std::runtime_error("something is still at work after the client was stopped");
        }
        return requests_;
    }

 private:
    static communica::ClientOptions options() {
        auto result = test::quick_client("asking");
        result.backoff = communica::BackoffOptions{.first = 8ms, .most = 20ms};
        result.resume_window =
            1h;  // a server that was started anew says so: nobody waits for what was sent to the last
        // Wine keeps the socket open of a process that is killed while it reads: its silence tells then.
        result.limits.liveness_timeout = 2s;
        result.connect_timeout = 2s;
        return result;
    }

    void ask() {
        const std::size_t size = requests_.asked % 10 == 0 ? 5000 : 50;
        requests_.echo(client_, size, {.timeout = 2s}, [this] {
            if (reached_ && requests_.right >= goal_) {
                std::exchange(reached_, nullptr)->set_value();
            }
            if (!stopping_) {
                ask();
            }
        });
    }

    asio::io_context context_;
    communica::RouteClient<AnyConnector> client_;
    WatchedRequests requests_;
    std::shared_ptr<std::promise<void>> reached_;
    int goal_ = 0;
    bool stopping_ = false;
    std::promise<void> done_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("each of 64 requests at a time ends once while the server is killed and started again 50 times") {
    const auto transport = GENERATE(Transport::tcp, Transport::local);
    CAPTURE(transport);
    const test::TemporaryDirectory directory;
    std::string state = transport == Transport::tcp
                            ? communica::TcpConnector("127.0.0.1", 0).dump_state()
                            : communica::LocalConnector("killed", {.directory = directory.path()}).dump_state();
    std::optional<Process> serving(std::in_place, "serving", std::vector<std::string>{state});
    state = serving->expect("READY");
    Asking asking(state);

    constexpr int rounds = 50;
    std::size_t early = 0;
    for (int round = 0; round != rounds; ++round) {
        asking.wait_for_answers(2 * at_once);
        serving->kill();
        CHECK(serving->wait() == test::killed);
        serving.emplace("serving", std::vector<std::string>{state});
        CHECK(serving->expect("READY") == state);
        if (round == rounds / 5) {
            early = test::resident_bytes();
        }
    }
    asking.wait_for_answers(2 * at_once);
    const std::size_t growth = test::growth_since(early);

    const WatchedRequests& requests = asking.finish();
    CHECK_WATCHED(requests);
    CHECK(requests.right > rounds * at_once);
    CHECK(requests.failed() > at_once);  // some were on their way each time
    CHECK(growth < test::growth_allowed);
    std::cout << requests << "; the client grew by " << growth / 1024 << " KiB\n";
    serving->end_input();
    CHECK(serving->wait() == test::in_order);
}

}  // namespace killed_server
