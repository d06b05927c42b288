// The life-cycle that all servers share.
#pragma once

#include "../peer/peer.hpp"
#include "../peer/requests.hpp"
#include "server_core.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// What all servers share. A server listens from `start` or `run` on until `stop`.
///
/// Operations take a token last and complete with `void(std::exception_ptr)` on the token's executor, by default the
/// server's. `stop` and the queries are thread-safe; destroying it ends every request with `errc::closed`, and waits for handlers
/// that other threads are calling: none starts after it.
template <class Derived, Serializer S>
class Server {
 public:
    using executor_type = asio::any_io_executor;
    using serializer_type = S;

    executor_type get_executor() const noexcept { return core_->executor(); }

    /// Completes once the server listens, or with the reason why it can't (`address_in_use`, ...).
    template <class Token = default_token>
    auto start(Token&& token = {}) {
        return spawn(entities::ServerCore::start(core_), std::forward<Token>(token));
    }

    /// `start`, and completes when the server was stopped and its last connection is closed.
    template <class Token = default_token>
    auto run(Token&& token = {}) {
        return spawn(entities::ServerCore::run(core_), std::forward<Token>(token));
    }

    /// Ends every request with `errc::closed`, says goodbye to the clients and stops listening. Any thread, also from
    /// inside a handler. It can be started again.
    void stop() { core_->request_stop(); }

    /// `stop`, and completes when the last connection is closed.
    template <class Token = default_token>
    auto close(Token&& token = {}) {
        return spawn(entities::ServerCore::close(core_), std::forward<Token>(token));
    }

    /// Where the server listens, for people. Before it listens: where it is going to.
    std::string address() const { return core_->address(); }
    /// The state of a connector that reaches this server, with the port that the system chose for port 0. Throws
    /// `errc::not_connected` before the server listens.
    std::string connector_state() const { return core_->connector_state(); }

    /// The ids of the clients that are connected.
    std::vector<std::string> client_ids() const {
        std::vector<std::string> ids;
        for (const auto& peer : core_->present()) {
            ids.push_back(peer->id());
        }
        return ids;
    }

    /// Gives up on a client that is away and won't come back, as `resume_window` does later: requests to it end with
    /// `errc::connection_lost`, and what is at work for it is cancelled. Says whether there was one. Any thread.
    bool forget(std::string_view client_id) { return core_->forget_client(std::string(client_id)); }

    /// Takes no more clients and no more requests (they are answered `draining`), tells the clients so, lets what is at
    /// work be answered, and closes; after `time` at the latest, when the rest is answered `closed`.
    template <class Token = default_token>
    auto drain(std::chrono::steady_clock::duration time, Token&& token = {}) {
        return spawn(entities::ServerCore::drain(core_, time), std::forward<Token>(token));
    }

 protected:
    // NOLINTNEXTLINE(bugprone-exception-escape): without memory there is no way on
    ~Server() {
        core_->close_hooks();
        core_->request_stop();
        core_->wait_for_calls();
    }

    peer::RequestTarget target() const { return {nullptr, anybody_}; }
    const S& serializer() const noexcept { return serializer_; }
    peer::Handlers& handlers() noexcept { return *core_->handlers(); }
    std::shared_ptr<peer::RequesterResolver> source(std::string_view id) const {
        return core_->client(std::string(id));
    }
    std::vector<std::shared_ptr<peer::Peer>> present() const { return core_->present(); }

 private:
    friend Derived;

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(asio::any_io_executor executor, ListenerFactory factory, std::shared_ptr<peer::Handlers> handlers,
           S serializer, ServerOptions options)
        : core_(std::make_shared<entities::ServerCore>(std::move(executor), std::move(factory), std::move(handlers),
                                                       std::move(options))),
          serializer_(std::move(serializer)) {
        core_->init();
        anybody_ = core_->any_client();
    }

    template <class Token>
    auto spawn(asio::awaitable<void> coroutine, Token&& token) {
        return asio::co_spawn(core_->strand(), std::move(coroutine), std::forward<Token>(token));
    }

    std::shared_ptr<entities::ServerCore> core_;
    std::shared_ptr<peer::RequesterResolver> anybody_;
    [[no_unique_address]] S serializer_;
};

}  // namespace communica
