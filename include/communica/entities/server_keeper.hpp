// What keeps a server going: it accepts connections, greets, and serves them.
#pragma once

#include "../asio.hpp"
#include "../connector.hpp"
#include "../peer/hello.hpp"
#include "../peer/inbox.hpp"
#include "../peer/peer.hpp"
#include "../peer/peer_handle.hpp"
#include "clients.hpp"
#include "options.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace communica::entities {

/// Listens, greets, serves each connection on its own executor, until it is stopped. Everything runs on one strand, but
/// for the sessions and what is marked thread-safe.
class ServerKeeper : public std::enable_shared_from_this<ServerKeeper> {
 public:
    ServerKeeper(asio::any_io_executor executor, ErasedConnector connector, std::shared_ptr<peer::Handlers> handlers,
                 ServerOptions options)
        : executor_(std::move(executor)),
          strand_(asio::make_strand(executor_)),
          connector_(std::move(connector)),
          handlers_(std::move(handlers)),
          options_(options),
          changed_(strand_, asio::steady_timer::time_point::max()),
          retry_(strand_) {}

    // ---- thread-safe

    const std::shared_ptr<peer::Handlers>& handlers() const noexcept { return handlers_; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& strand() const noexcept { return strand_; }
    const ErasedConnector& connector() const noexcept { return connector_; }
    Clients& clients() noexcept { return *clients_; }

    std::shared_ptr<Listener> listener() const {
        const std::lock_guard lock(mutex_);
        return listener_;
    }

    void request_stop() {
        clients_->close_all({errc::closed});
        // Not posted: a start that the same handler calls next has to come after.
        asio::dispatch(strand_, [self = shared_from_this()] { self->stop(); });
    }

    // ---- on the strand

    /// Called once, before anything else: the peers refer back to the keeper.
    void init() {
        const auto make = [weak = weak_from_this(), executor = executor_, handlers = handlers_,
                           window = options_.resume_window](std::string id) {
            auto expired = [weak, id] {
                if (const auto self = weak.lock()) {
                    self->clients_->expire(id);
                }
            };
            return std::make_shared<peer::Peer>(executor, handlers, std::move(id), window, std::move(expired));
        };
        clients_ = std::make_unique<Clients>(
            std::make_shared<peer::Peer>(executor_, handlers_, "", options_.resume_window), make);
    }

    static asio::awaitable<void> start(std::shared_ptr<ServerKeeper> self) {
        while (self->running_) {
            if (!self->stopped_) {
                co_return;
            }
            co_await self->changed_.async_wait(no_throw);  // it has been stopped, and is about to end
        }
        const auto stops = self->stops_;
        auto listener = co_await self->connector_.listen(self->executor_, self->options_.limits);
        if (self->stops_ != stops) {  // stopped before it began
            listener->close();
            throw std::system_error(errc::closed);
        }
        {
            const std::lock_guard lock(self->mutex_);
            self->listener_ = listener;
        }
        if (std::exchange(self->stopped_, false)) {
            self->clients_->open();
        }
        self->running_ = true;
        asio::co_spawn(self->strand_, accept_all(self, std::move(listener)), asio::detached);
    }

    static asio::awaitable<void> run(std::shared_ptr<ServerKeeper> self) {
        co_await start(self);
        co_await wait_stopped(self);
    }

    static asio::awaitable<void> close(std::shared_ptr<ServerKeeper> self) {
        self->request_stop();
        self->stop();
        co_await wait_stopped(self);
    }

 private:
    void stop() {
        ++stops_;
        stopped_ = true;
        retry_.cancel();
        if (const auto listening = listener()) {
            listening->close();
        }
        for (const auto& [key, connection] : connections_) {
            connection->close();
        }
        changed_.cancel();
    }

    static asio::awaitable<void> wait_stopped(std::shared_ptr<ServerKeeper> self) {
        while (!self->stopped_ || self->running_ || !self->connections_.empty()) {
            co_await self->changed_.async_wait(no_throw);
        }
    }

    static asio::awaitable<void> accept_all(std::shared_ptr<ServerKeeper> self, std::shared_ptr<Listener> listener) {
        while (!self->stopped_) {
            std::shared_ptr<Connection> connection;
            try {
                connection = co_await listener->accept();
            } catch (const std::system_error&) {
                connection.reset();  // out of descriptors, as a rule: they come back
            }
            if (self->stopped_) {
                if (connection) {
                    connection->abort();
                }
                break;
            }
            if (connection) {
                self->connections_.emplace(connection.get(), connection);
                asio::co_spawn(connection->get_executor(), session(self, connection), asio::detached);
            } else {
                self->retry_.expires_after(std::chrono::milliseconds{100});
                co_await self->retry_.async_wait(no_throw);
            }
        }
        listener->close();
        self->running_ = false;
        self->changed_.cancel();
    }

    /// Greets and serves one connection, on its own executor.
    static asio::awaitable<void> session(std::shared_ptr<ServerKeeper> self, std::shared_ptr<Connection> connection) {
        try {
            const std::string client_id = co_await greet(*self, connection);
            if (!client_id.empty()) {
                const auto peer = self->clients_->arrive(client_id);
                co_await peer::serve(peer, connection, [] {});
                self->clients_->leave(peer);
            }
        } catch (const std::exception&) {
            connection->abort();  // a handshake that failed is its sender's loss alone
        }
        asio::post(self->strand_, [self, connection] {
            self->connections_.erase(connection.get());
            self->changed_.cancel();
        });
    }

    /// The client's id, once both sides have said hello; empty if it was refused. The server speaks second, so that a
    /// refusal comes where the client looks for it.
    // NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
    static asio::awaitable<std::string> greet(const ServerKeeper& self, std::shared_ptr<Connection> connection) {
        const peer::HandshakeDeadline deadline(connection, self.options_.handshake_timeout);
        const std::string hello = co_await connection->read_hello();
        std::string client_id;
        std::string refusal;
        try {
            client_id = peer::client_id_in(hello);
            refusal = client_id.empty() ? "an empty client_id" : "";
        } catch (const std::system_error& e) {
            refusal = e.what();
        }
        if (!refusal.empty()) {
            co_await connection->refuse(refusal);
            co_return std::string();
        }
        co_await connection->write_hello(peer::server_hello());
        co_return client_id;
    }

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    ErasedConnector connector_;
    std::shared_ptr<peer::Handlers> handlers_;
    ServerOptions options_;
    std::unique_ptr<Clients> clients_;

    mutable std::mutex mutex_;
    std::shared_ptr<Listener> listener_;  // guarded by the mutex, set on the strand

    std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
    asio::steady_timer changed_;  // never expires: cancelled when the state has changed
    asio::steady_timer retry_;
    unsigned stops_ = 0;
    bool stopped_ = false;
    bool running_ = false;  // `accept_all` is at work
};

/// Whichever client is there.
class AnyClient final : public peer::PeerSource {
 public:
    explicit AnyClient(std::shared_ptr<ServerKeeper> keeper) : keeper_(std::move(keeper)) {}
    std::shared_ptr<peer::Peer> find() override { return keeper_->clients().any(); }
    void settle() override { keeper_->clients().settle(); }

 private:
    std::shared_ptr<ServerKeeper> keeper_;
};

/// The client behind an id, whoever it is by then.
class ClientById final : public peer::PeerSource {
 public:
    ClientById(std::shared_ptr<ServerKeeper> keeper, std::string id) : keeper_(std::move(keeper)), id_(std::move(id)) {}
    std::shared_ptr<peer::Peer> find() override { return keeper_->clients().find_or_expect(id_); }

 private:
    std::shared_ptr<ServerKeeper> keeper_;
    std::string id_;
};

}  // namespace communica::entities
