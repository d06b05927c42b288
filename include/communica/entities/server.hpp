// The life cycle shared by all servers.
#pragma once

#include "../peer/peer.hpp"
#include "../peer/requests.hpp"
#include "../peer/spawn.hpp"
#include "server_core.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// The base of all servers. A server listens from `start` or `run` until `stop`.
///
/// Operations take a completion token last and complete on the token's executor, by default on a strand of the
/// server's. A cancelled operation ends with `asio::error::operation_aborted`. Operations and queries are thread-safe.
/// The destructor ends every request with `errc::closed` and waits for handlers that other threads are calling. No
/// handler starts after it.
template <class Derived, Serializer S>
class Server {
 public:
    using executor_type = asio::any_io_executor;
    using serializer_type = S;

    executor_type get_executor() const noexcept { return core_->executor(); }

    /// Starts listening.
    /// Completes with: `void(std::exception_ptr)` once the server listens.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: ends this attempt to listen.
    /// Errors: the system's (`address_in_use`, ...); `errc::closed` if `stop` is called meanwhile.
    template <class Token = default_token>
    auto start(Token&& token = {}) {
        return spawn(entities::ServerCore::start(core_), std::forward<Token>(token));
    }

    /// Starts listening as `start` does, and serves until `stop`.
    /// Completes with: `void(std::exception_ptr)` when the server is stopped and its last connection is closed.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: as `start` before the server listens; after that it ends the wait, and the server goes on.
    /// Errors: as `start`.
    template <class Token = default_token>
    auto run(Token&& token = {}) {
        return spawn(entities::ServerCore::run(core_), std::forward<Token>(token));
    }

    /// Ends every request with `errc::closed`, sends a goodbye to the clients and stops listening. Returns at once. The
    /// server can be started again.
    /// Executor: any thread, also inside a handler.
    void stop() { core_->request_stop(); }

    /// Stops the server as `stop` does, and waits for it.
    /// Completes with: `void(std::exception_ptr)` when the last connection is closed.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: ends the wait; the server stops anyway.
    /// Errors: cancellation only.
    template <class Token = default_token>
    auto close(Token&& token = {}) {
        return spawn(entities::ServerCore::close(core_), std::forward<Token>(token));
    }

    /// The address of the server in readable form: the configured one until it listens, then the actual one.
    [[nodiscard]] std::string address() const { return core_->address(); }
    /// The state of a connector that connects to this server, with the actual port in place of port 0. Throws
    /// `errc::not_connected` before the server listens.
    [[nodiscard]] std::string connector_state() const { return core_->connector_state(); }

    /// The ids of the connected clients.
    [[nodiscard]] std::vector<std::string> client_ids() const {
        std::vector<std::string> ids;
        for (const auto& peer : core_->present()) {
            ids.push_back(peer->id());
        }
        return ids;
    }

    /// Removes an absent client now instead of after `resume_window`: requests to it end with `errc::connection_lost`,
    /// and its running requests are cancelled. Returns true if the client was known and absent. Thread-safe.
    bool forget(std::string_view client_id) { return core_->forget_client(std::string(client_id)); }

    /// Stops gracefully: stops listening, tells the clients, rejects new requests with `draining`, reads what has
    /// arrived, waits for the running ones, both for up to `time`, and closes. Requests still running after `time` are answered `closed`.
    /// Completes with: `void(std::exception_ptr)` when the last connection is closed.
    /// Executor: the token's. Thread-safe.
    /// Cancellation: stops the server at once.
    /// Errors: cancellation; `std::bad_alloc`, after which the server stops at once, too.
    template <class Token = default_token>
    auto drain(std::chrono::steady_clock::duration time, Token&& token = {}) {
        return spawn(entities::ServerCore::drain(core_, time), std::forward<Token>(token));
    }

 protected:
    ~Server() { end(); }

    peer::RequestTarget target() const { return {nullptr, any_client_}; }
    const S& serializer() const noexcept { return serializer_; }
    peer::Handlers& handlers() noexcept { return *core_->handlers(); }
    std::shared_ptr<peer::RequesterResolver> source(std::string_view id) const {
        return core_->client(std::string(id));
    }
    std::vector<std::shared_ptr<peer::Peer>> present() const { return core_->present(); }

 private:
    friend Derived;

    Server(Server&& other) noexcept = default;
    Server& operator=(Server&& other) noexcept {
        if (this != &other) {
            end();
            core_ = std::move(other.core_);
            any_client_ = std::move(other.any_client_);
            serializer_ = std::move(other.serializer_);
        }
        return *this;
    }

    Server(asio::any_io_executor executor, ListenerFactory factory, std::shared_ptr<peer::Handlers> handlers,
           S serializer, ServerOptions options)
        : core_(std::make_shared<entities::ServerCore>(std::move(executor), std::move(factory), std::move(handlers),
                                                       std::move(options))),
          serializer_(std::move(serializer)) {
        core_->init();
        any_client_ = core_->any_client();
    }

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

    std::shared_ptr<entities::ServerCore> core_;
    std::shared_ptr<peer::RequesterResolver> any_client_;
    [[no_unique_address]] S serializer_;
};

}  // namespace communica
