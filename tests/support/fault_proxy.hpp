// Stands between clients and a server, over TCP, and does to what passes what networks do.
#pragma once

#include "run.hpp"

#include <communica/connectors/tcp.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace test {

/// What happens to one direction of one connection. All but the first begin at a byte that the seed chooses.
enum class Fault {
    none,
    delay,     ///< waits, up to 100 ms
    split,     ///< every byte by itself
    truncate,  ///< closed in order in the middle
    reset,     ///< closed by a reset
    corrupt,   ///< one byte gets its highest bit flipped, which makes it no ASCII: no JSON with it means something else
};
inline constexpr std::size_t fault_count = 6;

/// Every connection has a fault in one direction, all kinds in turn, until `heal`. For one thread.
class FaultProxy {
 public:
    /// A connection with a fault is reset after so long at the latest: a corrupt length can make it wait for ever.
    static constexpr std::chrono::milliseconds longest_life{150};

    FaultProxy(asio::io_context& context, const std::string& server_state, unsigned seed)
        : state_(std::make_shared<State>(context, server_state, seed)) {
        asio::co_spawn(context, accept_all(state_), asio::detached);
    }
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;
    ~FaultProxy() { close(); }

    communica::TcpConnector connector() const { return {"127.0.0.1", state_->acceptor.local_endpoint().port()}; }

    /// From now on everything passes as it is. Connections that are there are reset.
    void heal() {
        state_->healed = true;
        reset_all();
    }
    void reset_all() {
        for (const auto& link : std::set(state_->links)) {
            link->reset();
        }
    }
    /// Connections made since `heal`.
    int healthy() const { return state_->healthy; }
    int count(Fault fault) const { return state_->faults[static_cast<std::size_t>(fault)]; }

    void close() {
        asio::error_code ignored;
        state_->acceptor.close(ignored);
        reset_all();
    }

 private:
    using Socket = asio::ip::tcp::socket;

    struct Link {
        Link(Socket c, const asio::any_io_executor& executor)
            : client(std::move(c)), server(executor), life(executor) {}

        void reset() {
            for (Socket* socket : {&client, &server}) {
                asio::error_code ignored;
                socket->set_option(asio::socket_base::linger(true, 0), ignored);
            }
            close();
        }
        void close() {
            for (Socket* socket : {&client, &server}) {
                asio::error_code ignored;
                socket->cancel(ignored);  // Wine tries on for a while what waits when its socket closes
                socket->close(ignored);
            }
            life.cancel();
        }

        Socket client;
        Socket server;
        asio::steady_timer life;
    };
    using LinkPtr = std::shared_ptr<Link>;

    struct State {
        State(asio::io_context& context, const std::string& server_state, unsigned seed)
            : acceptor(context, {asio::ip::address_v4::loopback(), 0}), random(seed), next(seed) {
            const auto json = nlohmann::json::parse(server_state);
            server = {asio::ip::make_address(json.at("host").get<std::string>()), json.at("port").get<std::uint16_t>()};
        }

        asio::ip::tcp::acceptor acceptor;
        asio::ip::tcp::endpoint server;
        std::minstd_rand random;
        std::size_t next;
        std::array<int, fault_count> faults{};
        std::set<LinkPtr> links = {};
        bool healed = false;
        int healthy = 0;
    };
    using StatePtr = std::shared_ptr<State>;

    struct Plan {
        Fault fault = Fault::none;
        std::size_t at = 0;  ///< the byte of the direction where it begins
        std::chrono::milliseconds delay{0};
    };

    static asio::awaitable<void> accept_all(StatePtr state) {
        for (;;) {
            auto [error, socket] = co_await state->acceptor.async_accept(communica::no_throw);
            if (error) {
                co_return;
            }
            const auto executor = co_await asio::this_coro::executor;
            auto link = std::make_shared<Link>(std::move(socket), executor);
            state->links.insert(link);
            asio::co_spawn(executor, join(state, std::move(link)), asio::detached);
        }
    }

    /// Connects to the server and moves bytes both ways. The faults are drawn here, in the order of the connections.
    static asio::awaitable<void> join(StatePtr state, LinkPtr link) {
        const auto executor = co_await asio::this_coro::executor;
        Plan plan;
        const bool towards_server = state->random() % 2 == 0;
        if (state->healed) {
            ++state->healthy;
        } else {
            plan.fault = static_cast<Fault>(state->next++ % fault_count);
            plan.at = state->random() % (state->random() % 4 == 0 ? 100 : 3000);  // the handshake has its share
            plan.delay = std::chrono::milliseconds(state->random() % 100);
            ++state->faults[static_cast<std::size_t>(plan.fault)];
            link->life.expires_after(longest_life);
            link->life.async_wait([link](asio::error_code error) {
                if (!error) {
                    link->reset();
                }
            });
        }
        const auto [error] = co_await link->server.async_connect(state->server, communica::no_throw);
        if (error || !link->client.is_open()) {
            link->close();
            state->links.erase(link);
            co_return;
        }
        asio::error_code ignored;
        link->client.set_option(asio::ip::tcp::no_delay(true), ignored);
        link->server.set_option(asio::ip::tcp::no_delay(true), ignored);
        asio::co_spawn(executor, pump(state, link, link->client, link->server, towards_server ? plan : Plan{}),
                       asio::detached);
        asio::co_spawn(executor, pump(state, link, link->server, link->client, towards_server ? Plan{} : plan),
                       asio::detached);
    }

    /// One direction until it ends, which ends both. The sockets are the link's.
    static asio::awaitable<void> pump(StatePtr state, LinkPtr link, Socket& from, Socket& to, Plan plan) {
        std::size_t passed = 0;
        for (char part[4096];;) {
            const auto [error, count] = co_await from.async_read_some(asio::buffer(part), communica::no_throw);
            if (error) {
                break;
            }
            const bool here = plan.fault != Fault::none && plan.at < passed + count;
            const std::size_t before = here && plan.at > passed ? plan.at - passed : 0;
            if (here && plan.fault == Fault::corrupt) {
                part[before] = static_cast<char>(part[before] ^ 0x80);
                plan.fault = Fault::none;
            }
            const bool ends = here && (plan.fault == Fault::truncate || plan.fault == Fault::reset);
            if (here && plan.fault == Fault::delay) {
                asio::steady_timer wait(co_await asio::this_coro::executor, plan.delay);
                co_await wait.async_wait(communica::no_throw);
                plan.fault = Fault::none;
            }
            if (here && plan.fault == Fault::split) {
                plan.at = 0;  // and everything from here on
            }
            const bool split = here && plan.fault == Fault::split;
            const std::size_t whole = split || ends ? before : count;
            bool sent = co_await write(to, {part, whole});
            for (std::size_t at = whole; sent && !ends && at != count; ++at) {
                sent = co_await write(to, {part + at, 1});
            }
            if (!sent) {
                break;
            }
            if (ends && plan.fault == Fault::reset) {
                link->reset();
            }
            if (ends) {
                break;
            }
            passed += count;
        }
        link->close();
        state->links.erase(link);
    }

    /// Lets the other side read before the next bytes come.
    static asio::awaitable<bool> write(Socket& to, std::string_view bytes) {
        const auto [error, count] = co_await asio::async_write(to, asio::buffer(bytes), communica::no_throw);
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return !error;
    }

    StatePtr state_;
};

}  // namespace test
