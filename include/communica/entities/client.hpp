// The life-cycle that all clients share.
#pragma once

#include "../peer/flush.hpp"
#include "../peer/inspect.hpp"
#include "../peer/requests.hpp"
#include "client_core.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// What all clients share. A client keeps itself connected from `connect`, `start`, `run` or its first request on until
/// `stop`; requests made while there is no connection wait for it.
///
/// Operations take a token last and complete with `void(std::exception_ptr)` on the token's executor, by default the
/// client's. `stop` and the queries are thread-safe; destroying it ends every request with `errc::closed`, and waits for handlers
/// that other threads are calling: none starts after it.
template <class Derived, Serializer S>
class Client : public peer::Flush<Client<Derived, S>>, public peer::Inspect<Client<Derived, S>> {
 public:
    using executor_type = asio::any_io_executor;
    using serializer_type = S;

    executor_type get_executor() const noexcept { return core_->executor(); }
    /// By which the server knows this client.
    const std::string& client_id() const noexcept { return core_->client_id(); }

    /// Completes with the first connection, and keeps connected from then on. Cancelled, it stops the client that it
    /// started. With a timeout it gives up and stops when that has passed: `errc::timeout`, with the reason of the last
    /// failure. What will not go away (no permission, a name that cannot be, a wrong key) ends it, and every request, at once.
    template <NotConnectOptions Token = default_token>
    auto connect(Token&& token = {}) {
        return connect(ConnectOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto connect(ConnectOptions options, Token&& token = {}) {
        return spawn(entities::ClientCore::connect(core_, options), std::forward<Token>(token));
    }

    /// Connects behind the caller's back.
    void start() {
        asio::post(core_->strand(), Task([core = core_] { core->start(); }));
    }

    /// Keeps connected until `stop`, and completes then.
    template <class Token = default_token>
    auto run(Token&& token = {}) {
        return spawn(entities::ClientCore::run(core_), std::forward<Token>(token));
    }

    /// Completes when there is a connection. With a timeout: `errc::timeout`; when stopped: `errc::closed`.
    template <NotConnectOptions Token = default_token>
    auto wait_connected(Token&& token = {}) {
        return wait_connected(ConnectOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto wait_connected(ConnectOptions options, Token&& token = {}) {
        return spawn(entities::ClientCore::wait_connected(core_, options), std::forward<Token>(token));
    }
    /// Is there a connection that has said hello? Thread-safe; it may be over when the caller looks.
    bool is_connected() const { return core_->is_connected(); }

    /// Ends every request with `errc::closed`, says goodbye to the server and stops connecting. Any thread, also from
    /// inside a handler. It can be started again.
    void stop() { core_->request_stop(); }

    /// `stop`, and completes when the connection is closed.
    template <class Token = default_token>
    auto close(Token&& token = {}) {
        return spawn(entities::ClientCore::close(core_), std::forward<Token>(token));
    }

    /// Takes no more requests of the other side (they are answered `draining`), tells it so, lets those at work be
    /// answered, and closes; after `time` at the latest, when the rest is answered `closed`.
    template <class Token = default_token>
    auto drain(std::chrono::steady_clock::duration time, Token&& token = {}) {
        return spawn(entities::ClientCore::drain(core_, time), std::forward<Token>(token));
    }

    /// Why there is no connection, or how the last one ended; without a code before any did. Thread-safe.
    Error last_error() const { return core_->last_error(); }

 protected:
    // NOLINTNEXTLINE(bugprone-exception-escape): without memory there is no way on
    ~Client() {
        core_->close_hooks();
        core_->request_stop();
        core_->wait_for_calls();
    }

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

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client(asio::any_io_executor executor, ConnectionFactory factory, std::shared_ptr<peer::Handlers> handlers,
           S serializer, ClientOptions options)
        : core_(std::make_shared<entities::ClientCore>(std::move(executor), std::move(factory), std::move(handlers),
                                                       std::move(options))),
          serializer_(std::move(serializer)) {}

    template <class Token>
    auto spawn(asio::awaitable<void> coroutine, Token&& token) {
        return asio::co_spawn(core_->strand(), std::move(coroutine), std::forward<Token>(token));
    }

    std::shared_ptr<entities::ClientCore> core_;
    [[no_unique_address]] S serializer_;
};

}  // namespace communica
