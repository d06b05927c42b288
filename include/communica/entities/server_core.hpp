// What keeps a server going: it accepts connections, greets, and serves them.
#pragma once

#include "../asio.hpp"
#include "../connector.hpp"
#include "../peer/requester_resolver.hpp"
#include "../separate_compilation.hpp"
#include "options.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace communica::peer {
class Handlers;
class Peer;
}  // namespace communica::peer

namespace communica::entities {

class Clients;

/// Listens, greets, serves each connection on its own executor, until it is stopped. Everything runs on one strand, but
/// for the visits and what is marked thread-safe.
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
    /// No hook is called from now on.
    void close_hooks() { hooks_.close(); }

    /// Where it listens, or is going to.
    std::string address() const;
    /// Of a connector that reaches it. Throws `errc::not_connected` while it does not listen.
    std::string connector_state() const;

    /// The clients that are connected.
    std::vector<std::shared_ptr<peer::Peer>> present() const;
    /// Whichever client is there when it is asked.
    std::shared_ptr<peer::RequesterResolver> any_client();
    /// The client behind an id, whoever it is by then.
    std::shared_ptr<peer::RequesterResolver> client(std::string id);

    void request_stop();

    /// After `request_stop`: until no handler can start any more.
    void wait_for_calls() const;

    /// Gives up on a client that is away.
    bool forget_client(const std::string& id);

    // ---- on the strand

    /// Called once, before anything else: the peers refer back to the core.
    void init();

    static asio::awaitable<void> start(std::shared_ptr<ServerCore> self);

    static asio::awaitable<void> run(std::shared_ptr<ServerCore> self);

    static asio::awaitable<void> close(std::shared_ptr<ServerCore> self);

    static asio::awaitable<void> drain(std::shared_ptr<ServerCore> self, std::chrono::steady_clock::duration time);

 private:
    /// After so long the next handshake begins beside it.
    static constexpr std::chrono::microseconds slow_handshake{200};

    ConnectionOptions connection_options() const;
    std::shared_ptr<Listener> listener() const {
        const std::lock_guard lock(mutex_);
        return listener_;
    }

    void stop();

    /// It does not listen, and all its connections are gone.
    bool has_ended() const noexcept { return !running_ && connections_.empty(); }
    void on_change();

    /// Until the `stop`-th stop has been carried out.
    static asio::awaitable<void> wait_stopped(std::shared_ptr<ServerCore> self, std::uint64_t stop);

    bool accepts() const noexcept { return !stopped_ && !draining_; }
    static asio::awaitable<void> accept_all(std::shared_ptr<ServerCore> self, std::shared_ptr<Listener> listener);

    void admit(const std::shared_ptr<Connection>& connection);

    /// It has said hello, or never will.
    void end_handshake(const std::shared_ptr<Connection>& connection);

    /// Greets one connection, on its own executor, and lets it be served.
    static asio::awaitable<void> serve(std::shared_ptr<ServerCore> self, std::shared_ptr<Connection> connection);

    void forget(const std::shared_ptr<Connection>& connection);

    struct AcceptedClient;
    struct Starting;
    struct Draining;
    class ServedConnection;

    /// Says hello to a client, or why not; then the accepted is nobody. The server speaks second, so that a refusal comes
    /// where the client looks for it.
    static asio::awaitable<AcceptedClient> handshake(std::shared_ptr<ServerCore> self,
                                                     std::shared_ptr<Connection> connection);

    /// Throws the reason if the client of this hello may not enter.
    AcceptedClient authorize(const std::string& hello_text, const Credentials& credentials);

    const asio::any_io_executor executor_;
    const asio::any_io_executor strand_;
    const ListenerFactory listener_factory_;
    const std::shared_ptr<peer::Handlers> handlers_;
    const ServerOptions options_;
    Hooks hooks_;
    const std::shared_ptr<Budget> budget_;
    std::shared_ptr<Clients> clients_;

    mutable std::mutex mutex_;
    std::shared_ptr<Listener> listener_;  // guarded by the mutex, set on the strand

    std::atomic<bool> draining_ = false;
    std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
    std::deque<std::shared_ptr<Connection>> handshakes_;  // those of them that did not say hello, oldest first
    asio::steady_timer changed_;                          // never expires: cancelled when the state has changed
    asio::steady_timer next_;                             // accept at the latest when it expires
    std::uint64_t stops_ = 0;
    std::uint64_t stops_done_ = 0;
    bool starting_ = false;  // a call of `start` waits for its listener
    int drains_ = 0;         // calls of `drain` that wait
    bool stopped_ = false;
    bool running_ = false;  // `accept_all` is at work
};

}  // namespace communica::entities

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "server_core.ipp"
#endif
