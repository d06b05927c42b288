// Accepts the connections of a server, exchanges the hellos and serves them.
#pragma once

#include "../asio.hpp"
#include "../connector.hpp"
#include "../peer/requester_resolver.hpp"
#include "../separate_compilation.hpp"
#include "options.hpp"
#include "strand_event.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace communica::peer {
class Handlers;
class Peer;
}  // namespace communica::peer

namespace communica::entities {

class Clients;

/// Listens, exchanges the hellos, and serves each connection on its own executor until it is stopped. All else runs on
/// one strand, except for functions marked thread-safe.
class ServerCore : public std::enable_shared_from_this<ServerCore> {
 public:
    ServerCore(asio::any_io_executor executor, ListenerFactory factory, std::shared_ptr<peer::Handlers> handlers,
               ServerOptions options);
    ~ServerCore();
    ServerCore(const ServerCore&) = delete;
    ServerCore& operator=(const ServerCore&) = delete;

    // ---- thread-safe

    const std::shared_ptr<peer::Handlers>& handlers() const noexcept { return handlers_; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& strand() const noexcept { return strand_; }
    /// Calls no hook from now on.
    void close_hooks() { hooks_.close(); }

    /// The address it listens at, or the configured one before that.
    std::string address() const {
        const auto listening = listener();
        return listening ? listening->address() : listener_factory_.address();
    }
    /// The state of a connector that connects to it. Throws `errc::not_connected` while it does not listen.
    std::string connector_state() const {
        const auto listening = listener();
        if (!listening) {
            throw std::system_error(errc::not_connected, "the server does not listen yet");
        }
        return listening->state();
    }

    /// The connected clients.
    std::vector<std::shared_ptr<peer::Peer>> present() const;
    /// Selects any client that is connected at the time of the request.
    std::shared_ptr<peer::RequesterResolver> any_client();
    /// Selects the client that has the id at the time of the request.
    std::shared_ptr<peer::RequesterResolver> client(std::string id);

    void request_stop();

    /// After `request_stop`: waits until no handler can start any more.
    void wait_for_calls() const;

    /// Removes an absent client.
    bool forget_client(const std::string& id);

    // ---- on the strand

    /// Called once, before anything else. Not in the constructor, because the peers refer to the core.
    void init();

    static asio::awaitable<void> start(std::shared_ptr<ServerCore> self);

    static asio::awaitable<void> run(std::shared_ptr<ServerCore> self);

    static asio::awaitable<void> close(std::shared_ptr<ServerCore> self);

    static asio::awaitable<void> drain(std::shared_ptr<ServerCore> self, std::chrono::steady_clock::duration time);

 private:
    /// The next handshake starts after this time, even if the current one is running.
    static constexpr std::chrono::microseconds slow_handshake{200};

    ConnectionOptions connection_options() const {
        return {options_.limits, budget_, options_.counters, options_.busy_poll, options_.adaptive_poll, descriptors_};
    }
    std::shared_ptr<Listener> listener() const {
        const std::lock_guard lock(mutex_);
        return listener_;
    }

    void stop();

    /// Returns true if it does not listen and all its connections have ended.
    bool has_ended() const noexcept { return !running_ && connections_.empty(); }
    void on_change() {
        if (has_ended()) {
            stops_done_ = stops_;
        }
        changed_.notify_all();
    }

    /// Waits until the `stop`-th stop is complete.
    static asio::awaitable<void> wait_stopped(std::shared_ptr<ServerCore> self, std::uint64_t stop);

    bool accepts() const noexcept { return !stopped_ && !draining_; }
    static asio::awaitable<void> accept_until_stopped(std::shared_ptr<ServerCore> self,
                                                      std::shared_ptr<Listener> listener);
    static asio::awaitable<void> accept_all(std::shared_ptr<ServerCore> self, std::shared_ptr<Listener> listener);

    void admit(const std::shared_ptr<Connection>& connection);

    /// Ends the handshake of a connection, which has sent its hello or has ended.
    void end_handshake(const std::shared_ptr<Connection>& connection);

    /// Exchanges the hellos of one connection, on its own executor, and starts to serve it.
    static asio::awaitable<void> serve(std::shared_ptr<ServerCore> self, std::shared_ptr<Connection> connection);

    void forget(const std::shared_ptr<Connection>& connection);

    struct AcceptedClient;
    struct Starting;
    class ServedConnection;

    /// Sends a hello to a client, or a refusal: then the result has no lease. The server sends second, so that the
    /// client reads a refusal in place of the hello.
    static asio::awaitable<AcceptedClient> handshake(std::shared_ptr<ServerCore> self,
                                                     std::shared_ptr<Connection> connection);

    /// Accepts the client of this hello. Throws the reason of a refusal.
    AcceptedClient authorize(const std::string& hello_text, const Credentials& credentials);

    const asio::any_io_executor executor_;
    const asio::any_io_executor strand_;
    const ListenerFactory listener_factory_;
    const std::shared_ptr<peer::Handlers> handlers_;
    const ServerOptions options_;
    Hooks hooks_;
    const std::shared_ptr<Budget> budget_;
    const std::shared_ptr<Budget> descriptors_;
    std::shared_ptr<Clients> clients_;

    mutable std::mutex mutex_;
    std::shared_ptr<Listener> listener_;  // guarded by the mutex, set on the strand

    std::atomic<bool> draining_ = false;
    std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
    std::deque<std::shared_ptr<Connection>> handshakes_;  // connections without a hello, oldest first
    StrandEvent changed_;                                 // the state below
    asio::steady_timer next_;                             // the next accept starts at the latest when it expires
    std::uint64_t stops_ = 0;
    std::uint64_t stops_done_ = 0;
    bool starting_ = false;  // a call of `start` waits for its listener
    int drains_ = 0;         // calls of `drain` that wait; until they have, it does not start to listen
    bool stopped_ = false;
    bool running_ = false;  // `accept_until_stopped` is running
};

}  // namespace communica::entities

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "server_core.ipp"
#endif
