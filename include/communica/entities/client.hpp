// The life cycle shared by all clients.
#pragma once

#include "../peer/flush.hpp"
#include "../peer/inspect.hpp"
#include "../peer/requests.hpp"
#include "../peer/spawn.hpp"
#include "client_core.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// The base of all clients. A client stays connected from `connect`, `start`, `run` or its first request until `stop`.
/// Requests made without a connection wait for one.
///
/// Operations take a completion token last and complete on the token's executor, by default on a strand of the
/// client's. A cancelled operation ends with `asio::error::operation_aborted`. Operations and queries are thread-safe.
/// The destructor ends every request with `errc::closed` and waits for handlers that other threads are calling. No
/// handler starts after it.
template <class Derived, Serializer S>
class Client : public peer::Flush<Client<Derived, S>>, public peer::Inspect<Client<Derived, S>> {
 public:
    using executor_type = asio::any_io_executor;
    using serializer_type = S;

    executor_type get_executor() const noexcept { return core_->executor(); }
    /// The id by which the server knows this client.
    [[nodiscard]] const std::string& client_id() const noexcept { return core_->client_id(); }

    /// Connects, and keeps the client connected until `stop`.
    /// Completes with: `void(std::exception_ptr)` once there is a connection.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: stops the client if this call has started it.
    /// Errors: `errc::timeout`, with the reason of the last failure, after `timeout`; the last failure after
    /// `attempts`. Both stop the client. A permanent failure (no permission, an invalid name, a wrong key) ends this
    /// and every request at once.
    template <entities::NotConnectOptions Token = default_token>
    auto connect(Token&& token = {}) {
        return connect(ConnectOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto connect(ConnectOptions options, Token&& token = {}) {
        return spawn(entities::ClientCore::connect(core_, options), std::forward<Token>(token));
    }

    /// Connects in the background, and keeps the client connected until `stop`. Returns at once. Thread-safe.
    void start() {
        base::post_or_again(core_->strand(), [core = core_] { core->start(); });
    }

    /// Keeps the client connected until `stop`.
    /// Completes with: `void(std::exception_ptr)` when the client has stopped.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: ends the wait; the client stays connected.
    /// Errors: cancellation only. After a permanent failure, which stops the client, `last_error` has the reason.
    template <class Token = default_token>
    auto run(Token&& token = {}) {
        return spawn(entities::ClientCore::run(core_), std::forward<Token>(token));
    }

    /// Waits for a connection. Does not start the client.
    /// Completes with: `void(std::exception_ptr)` once there is a connection.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: ends the wait.
    /// Errors: `errc::timeout` after `timeout`; the last failure after `attempts`; `errc::closed` when stopped, or the
    /// permanent failure that stopped the client.
    template <entities::NotConnectOptions Token = default_token>
    auto wait_connected(Token&& token = {}) {
        return wait_connected(ConnectOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto wait_connected(ConnectOptions options, Token&& token = {}) {
        return spawn(entities::ClientCore::wait_connected(core_, options), std::forward<Token>(token));
    }
    /// Returns true if a connection has completed its handshake. It may have ended when this returns. Thread-safe.
    [[nodiscard]] bool is_connected() const { return core_->is_connected(); }

    /// Ends every request with `errc::closed`, sends a goodbye to the server and stops connecting. Returns at once. The
    /// client can be started again.
    /// Executor: any thread, also inside a handler.
    void stop() { core_->request_stop(); }

    /// Stops the client as `stop` does, and waits for it.
    /// Completes with: `void(std::exception_ptr)` when the connection is closed.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: ends the wait; the client stops anyway.
    /// Errors: cancellation only.
    template <class Token = default_token>
    auto close(Token&& token = {}) {
        return spawn(entities::ClientCore::close(core_), std::forward<Token>(token));
    }

    /// Stops gracefully: tells the server, rejects its new requests with `draining`, waits up to `time` for the running
    /// ones, and closes. Requests still running after `time` are answered `closed`.
    /// Completes with: `void(std::exception_ptr)` when the connection is closed.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: stops the client at once.
    /// Errors: cancellation; `std::bad_alloc`, after which the client stops at once, too.
    template <class Token = default_token>
    auto drain(std::chrono::steady_clock::duration time, Token&& token = {}) {
        return spawn(entities::ClientCore::drain(core_, time), std::forward<Token>(token));
    }

    /// Why there is no connection, or how the last one ended. It has no code before the first failure. Thread-safe.
    [[nodiscard]] Error last_error() const { return core_->last_error(); }

 protected:
    ~Client() { end(); }

    peer::RequestTarget target() const {
        core_->start_if_new();
        return {core_->requester()};
    }
    const S& serializer() const noexcept { return serializer_; }
    peer::Handlers& handlers() noexcept { return *core_->handlers(); }

 private:
    friend Derived;
    friend peer::Flush<Client>;
    friend peer::Inspect<Client>;

    Client(Client&& other) noexcept = default;
    Client& operator=(Client&& other) noexcept {
        if (this != &other) {
            end();
            core_ = std::move(other.core_);
            serializer_ = std::move(other.serializer_);
        }
        return *this;
    }

    Client(asio::any_io_executor executor, ConnectionFactory factory, std::shared_ptr<peer::Handlers> handlers,
           S serializer, ClientOptions options)
        : core_(std::make_shared<entities::ClientCore>(std::move(executor), std::move(factory), std::move(handlers),
                                                       std::move(options))),
          serializer_(std::move(serializer)) {}

    // NOLINTNEXTLINE(bugprone-exception-escape): out of memory is fatal here
    void end() noexcept {
        if (core_) {
            core_->close_hooks();
            core_->request_stop();
            core_->wait_for_calls();
        }
    }

    template <class Token>
    auto spawn(asio::awaitable<void> coroutine, Token&& token) {
        return peer::spawn(core_->strand(), std::move(coroutine), std::forward<Token>(token));
    }

    std::shared_ptr<entities::ClientCore> core_;
    [[no_unique_address]] S serializer_;
};

}  // namespace communica
