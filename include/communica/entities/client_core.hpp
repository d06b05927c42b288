// Connects and reconnects a client.
#pragma once

#include "../asio.hpp"
#include "../connector.hpp"
#include "../peer/lateness.hpp"
#include "../separate_compilation.hpp"
#include "connect_failures.hpp"
#include "options.hpp"
#include "strand_event.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace communica::peer {
class Handlers;
class Peer;
class Requester;
struct Destination;
}  // namespace communica::peer

namespace communica::entities {

/// Connects, serves the connection, and reconnects until it is stopped. Runs on one strand, except for functions marked
/// thread-safe.
class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
    ClientCore(asio::any_io_executor executor, ConnectionFactory factory, std::shared_ptr<peer::Handlers> handlers,
               ClientOptions options);
    ~ClientCore();
    ClientCore(const ClientCore&) = delete;
    ClientCore& operator=(const ClientCore&) = delete;

    // ---- thread-safe

    const std::shared_ptr<peer::Handlers>& handlers() const noexcept { return handlers_; }
    const std::string& client_id() const noexcept { return options_.client_id; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& strand() const noexcept { return strand_; }

    const std::shared_ptr<peer::Requester>& requester();
    bool is_connected() const;
    /// Why there is no connection, or how the last one ended.
    Error last_error() const;
    /// Calls no hook from now on.
    void close_hooks() { hooks_.close(); }

    void request_stop(const Error& reason = {errc::closed});

    /// After `request_stop`: waits until no handler can start any more.
    void wait_for_calls() const;

    /// Starts the client if it was never started or stopped.
    void start_if_new() {
        if (!touched_.load(std::memory_order_relaxed) && !touched_.exchange(true)) {
            base::post_or_again(strand_, [self = shared_from_this()] { self->start(); });
        }
    }

    // ---- on the strand

    void start();

    static asio::awaitable<void> connect(std::shared_ptr<ClientCore> self, ConnectOptions options);

    static asio::awaitable<void> wait_connected(std::shared_ptr<ClientCore> self, ConnectOptions options);

    static asio::awaitable<void> run(std::shared_ptr<ClientCore> self);

    static asio::awaitable<void> close(std::shared_ptr<ClientCore> self);

    static asio::awaitable<void> drain(std::shared_ptr<ClientCore> self, std::chrono::steady_clock::duration time);

 private:
    void stop();

    /// Marks all stops so far as complete: there is no connection.
    void on_stopped();

    /// Waits until the `stop`-th stop is complete.
    static asio::awaitable<void> wait_stopped(std::shared_ptr<ClientCore> self, std::uint64_t stop);

    static asio::awaitable<void> run_until_stopped(std::shared_ptr<ClientCore> self);
    static asio::awaitable<void> keep_connected(std::shared_ptr<ClientCore> self);

    /// Returns true if another attempt would fail in the same way.
    static bool is_final(const std::error_code& code);

    /// Handles the end of a connection, or a failed attempt to connect.
    void on_ending(const Error& ending, bool was_connected);

    /// Connects before the attempt's deadline. Throws the reason of a failure.
    asio::awaitable<std::shared_ptr<Connection>> open_connection(std::chrono::steady_clock::time_point deadline);

    /// Exchanges the hellos on the connection's executor, and starts to serve it.
    static asio::awaitable<void> handshake(std::shared_ptr<ClientCore> self, std::shared_ptr<Connection> connection,
                                           std::chrono::steady_clock::time_point deadline);

    class ServedConnection;

    std::string why_not_connected() const;

    /// Describes the server in the error messages of requests.
    peer::Destination destination() const;

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    ConnectionFactory connection_factory_;
    std::shared_ptr<peer::Handlers> handlers_;
    ClientOptions options_;
    Hooks hooks_;
    /// Logs timeouts once the client has started.
    struct LateLog {
        std::atomic<bool> is_set = false;
        peer::NoteLate log = {};
    };
    const std::shared_ptr<LateLog> late_log_ = std::make_shared<LateLog>();
    const ConnectionOptions connection_options_;
    const std::shared_ptr<ConnectFailures> failures_ = std::make_shared<ConnectFailures>();
    std::shared_ptr<peer::Peer> peer_;

    std::atomic<bool> touched_ = false;  // was started or stopped before

    StrandEvent changed_;  // the state below
    asio::steady_timer retry_;
    asio::cancellation_signal attempt_;
    std::shared_ptr<Connection> current_;
    bool reports_ = false;  // failures of the handlers
    std::uint64_t stops_ = 0;
    std::uint64_t stops_done_ = 0;
    bool stopped_ = false;
    bool running_ = false;           // `run_until_stopped` is running
    std::uint64_t connections_ = 0;  // that completed their handshake
    std::optional<Error> ending_;    // of the current connection
    int attempts_ = 0;               // failed attempts and ended connections
    Error stop_reason_{errc::closed};
};

}  // namespace communica::entities

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "client_core.ipp"
#endif
