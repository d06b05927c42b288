// Everything at once for a while: requests both ways, of which some are cancelled and some time out, on connections that
// are lost and come back. COMMUNICA_SOAK_SECONDS says for how long, COMMUNICA_SOAK_SEED in which order.
#include "support/soak.hpp"
#include "support/fault_proxy.hpp"
#include "support/memory.hpp"
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/watched_requests.hpp"

#include <iostream>
#include <list>

namespace soak {

using test::FaultProxy;
using test::Process;
using test::WatchedRequests;
using namespace std::chrono_literals;

namespace {

using Client = communica::RouteClient<communica::TcpConnector>;

/// Clients that ask a server in another process, and are asked by it.
class Soak {
 public:
    static constexpr int clients = 4;
    static constexpr int at_once = 16;  ///< of each client

    Soak(const std::string& state, unsigned seed) : proxy_(context_, state, seed), random_(seed) {
        proxy_.heal();  // it only resets connections, when it is told to
        for (int number = 0; number != clients; ++number) {
            auto options = test::quick_client("soak-" + std::to_string(number));
            options.resume_window = 20ms;
            clients_.emplace_back(context_, proxy_.connector(), test::mixed_routes(notes_), options);
        }
    }

    void run(std::chrono::seconds time, const Process& serving) {
        const auto deadline = time + test::patience;
        test::run(context_, [&] { return soak(time, serving); }, deadline);
        test::run_out(context_);
    }

    const WatchedRequests& requests() const { return requests_; }
    int resets() const { return resets_; }
    int cancelled() const { return cancelled_; }
    std::size_t growth() const { return growth_; }
    std::size_t servers_growth() const { return servers_growth_; }

 private:
    asio::awaitable<void> soak(std::chrono::seconds time, const Process& serving) {
        const auto begin = communica::peer::Clock::now();
        for (Client& client : clients_) {
            client.start();
            for (int number = 0; number != at_once; ++number) {
                ask(client);
            }
        }
        // Memory is what it is once everything has happened several times.
        std::optional<std::pair<std::size_t, std::size_t>> early;
        asio::steady_timer pause(context_);
        while (communica::peer::Clock::now() < begin + time) {
            pause.expires_after(std::chrono::milliseconds(random_() % 300));
            co_await pause.async_wait(asio::use_awaitable);
            co_await test::until([this, before = requests_.right] { return requests_.right != before; });
            if (++resets_ % 8 != 0) {
                proxy_.reset_all();
            } else {  // a new life, in which the server forgets what it still does for the last one
                Client& client = *std::next(clients_.begin(), resets_ / 8 % clients);
                client.stop();
                client.start();
            }
            if (!early && communica::peer::Clock::now() > begin + time / 4) {
                early = {test::resident_bytes(), test::resident_bytes(serving.id())};
            }
        }
        stopping_ = true;
        co_await test::until([&] { return requests_.all_ended(); });
        for (Client& client : clients_) {  // all is well again
            co_await client.wait_connected();
            CHECK_AWAITED(50, test::ask_mixed(client, 50));
            CHECK_AWAITED(50, client.request<int>("ask me", 50));
        }
        growth_ = test::growth_since(early.value().first);
        servers_growth_ = test::growth_since(early.value().second, serving.id());
        for (Client& client : clients_) {
            co_await client.close();
        }
        proxy_.close();
    }

    /// One request after another, each of a kind that is drawn.
    void ask(Client& client) {
        if (stopping_) {
            return;
        }
        const auto next = [this, &client] { asio::post(context_, [this, &client] { ask(client); }); };
        const communica::RequestOptions options{.timeout = 3s};
        switch (random_() % 8) {
            case 0: {  // its answer comes too late, or just in time
                const communica::RequestOptions brief{.timeout = std::chrono::milliseconds(random_() % 50)};
                return requests_.ask(client, "slow", 50, 50, brief, {}, next);
            }
            case 1: return ask_and_cancel(client, next);
            case 2: {  // the other side asks back; what it says depends on the connection
                return requests_.ask(client, "send me", random_() % 20'000, true, options, {}, next);
            }
            case 3: return requests_.echo(client, random_() % 100'000, options, next);
            default: return requests_.echo(client, random_() % 500, options, next);
        }
    }

    template <class Next>
    void ask_and_cancel(Client& client, Next next) {
        const auto cancellable = std::make_shared<test::LateCancellation>(context_);
        ++cancelled_;
        const int pause = static_cast<int>(random_() % 20);
        requests_.ask(client, "slow", pause, pause, {.timeout = 3s}, cancellable->signal.slot(), [cancellable, next] {
            cancellable->timer.cancel();
            next();
        });
        test::LateCancellation::begin(cancellable, std::chrono::milliseconds(random_() % 20));
    }

    asio::io_context context_;
    FaultProxy proxy_;
    std::minstd_rand random_;
    int notes_ = 0;
    std::list<Client> clients_;
    WatchedRequests requests_;
    bool stopping_ = false;
    int resets_ = 0;
    int cancelled_ = 0;
    std::size_t growth_ = 0;
    std::size_t servers_growth_ = 0;
};

void soak_for(unsigned seconds) {
    const unsigned seed = test::from_environment("COMMUNICA_SOAK_SEED", 1);
    CAPTURE(seed);
    Process serving("serving", {communica::TcpConnector("127.0.0.1", 0).dump_state()});
    Soak soak(serving.expect("READY"), seed);
    soak.run(std::chrono::seconds(seconds), serving);

    const WatchedRequests& requests = soak.requests();
    std::cout << requests << "; " << soak.cancelled() << " cancelled, " << soak.resets()
              << " times the connections reset or a client stopped; grown by " << soak.growth() / 1024
              << " KiB, the server by " << soak.servers_growth() / 1024 << " KiB\n";
    CHECK_WATCHED(requests);
    CHECK(requests.right > 0);
    CHECK(requests.errors.count(make_error_code(communica::errc::timeout).message()) == 1);
    CHECK(requests.errors.count(make_error_code(asio::error::operation_aborted).message()) == 1);
    CHECK(soak.growth() < test::growth_allowed);
    CHECK(soak.servers_growth() < test::growth_allowed);
    serving.end_input();
    CHECK(serving.wait() == test::in_order);
}

}  // namespace

TEST_CASE("nothing is lost and nothing leaks while requests are cancelled, time out and lose their connections") {
    soak_for(test::from_environment("COMMUNICA_SOAK_SECONDS", 10));
}

TEST_CASE("nothing is lost and nothing leaks in a whole minute of it", "[.long]") {
    soak_for(test::from_environment("COMMUNICA_SOAK_SECONDS", 60));
}

}  // namespace soak
