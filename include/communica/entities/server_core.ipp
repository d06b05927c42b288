#pragma once

#include "../peer/hello.hpp"
#include "../peer/message_dispatcher.hpp"
#include "../peer/peer.hpp"
#include "../wire/challenge.hpp"
#include "../wire/handshake.hpp"
#include "client_resolver.hpp"
#include "clients.hpp"
#include "contract_handshake.hpp"
#include "counted_scope.hpp"
#include "inspection.hpp"
#include "server_core.hpp"
#include "undelivered.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

namespace communica::entities {

/// The result of a handshake. The lease is null if the client was refused.
struct ServerCore::AcceptedClient {
    std::unique_ptr<Clients::Lease> lease = nullptr;
    peer::Capabilities offer = {};
};

/// Other calls of `start` wait while this exists.
struct ServerCore::Starting {
    explicit Starting(ServerCore& starts) : core(starts) { core.starting_ = true; }
    Starting(const Starting&) = delete;
    Starting& operator=(const Starting&) = delete;
    ~Starting() {  // NOLINT(bugprone-exception-escape): out of memory is fatal here
        core.starting_ = false;
        core.changed_.notify_all();
    }
    ServerCore& core;
};

/// A connection of an accepted client.
class ServerCore::ServedConnection final : public peer::MessageDispatcher {
 public:
    ServedConnection(std::shared_ptr<ServerCore> core, std::shared_ptr<Connection> connection,
                     std::unique_ptr<Clients::Lease> lease)
        : MessageDispatcher(lease->peer(), std::move(connection)), core_(std::move(core)), lease_(std::move(lease)) {}

 private:
    void on_attached() override {
        attached_ = true;
        core_->clients_->mark_connected(lease_->peer());
        core_->hooks_.log(LogLevel::info, [&] { return "client \"" + id() + "\" connected"; });
        core_->hooks_.call(core_->options_.on_connect, id());
    }

    void on_detached(const Error& why, const peer::UnconfirmedNotifications& unconfirmed) override {
        core_->hooks_.on_unconfirmed(unconfirmed, why, [this] { return "client \"" + id() + "\""; });
        if (attached_) {
            core_->hooks_.log(LogLevel::info, [&] { return "client \"" + id() + "\" is gone: " + why.text(); });
            core_->hooks_.call(core_->options_.on_disconnect, id(), why);
        }
        lease_.reset();
        core_->forget(connection());
    }

    const std::string& id() const { return lease_->peer()->id(); }

    const std::shared_ptr<ServerCore> core_;
    std::unique_ptr<Clients::Lease> lease_;
    bool attached_ = false;
};

COMMUNICA_INLINE ServerCore::ServerCore(asio::any_io_executor executor, ListenerFactory factory,
                                        std::shared_ptr<peer::Handlers> handlers, ServerOptions options)
    : executor_(std::move(executor)),
      strand_(base::make_strand_on(executor_)),
      listener_factory_(std::move(factory)),
      handlers_(std::move(handlers)),
      options_(std::move(options)),
      hooks_(executor_, options_.log, options_.counters),
      budget_(std::make_shared<Budget>(options_.limits.max_inflight_bytes_in_all)),
      descriptors_(std::make_shared<Budget>(options_.limits.max_descriptors_in_all)),
      changed_(strand_),
      next_(strand_) {}

COMMUNICA_INLINE ServerCore::~ServerCore() = default;

COMMUNICA_INLINE std::vector<std::shared_ptr<peer::Peer>> ServerCore::present() const { return clients_->present(); }

COMMUNICA_INLINE std::shared_ptr<peer::RequesterResolver> ServerCore::any_client() {
    return std::make_shared<AnyClient>(clients_, executor_);
}

COMMUNICA_INLINE std::shared_ptr<peer::RequesterResolver> ServerCore::client(std::string id) {
    return std::make_shared<ClientById>(clients_, executor_, std::move(id));
}

COMMUNICA_INLINE void ServerCore::wait_for_calls() const { clients_->wait_for_calls(); }

COMMUNICA_INLINE bool ServerCore::forget_client(const std::string& id) { return clients_->forget(id); }

COMMUNICA_INLINE void ServerCore::request_stop() {
    clients_->close_all({errc::closed});
    // Not posted: a `start` that the same handler calls next has to run after it. On the strand it allocates nothing.
    if (base::is_running_on(strand_)) {
        stop();
    } else {
        base::post_or_again(strand_, [self = shared_from_this()] { self->stop(); });
    }
}

COMMUNICA_INLINE void ServerCore::init() {
    handlers_->set_interceptor(options_.interceptor);
    handlers_->set_asking_interceptor(options_.asking_interceptor);
    handlers_->set_on_failure([weak = weak_from_this()](const peer::Failure& failure) {
        const auto self = weak.lock();
        self ? self->hooks_.on_failure(failure) : void();
    });
    handlers_->count_routes(options_.counters != nullptr);
    handlers_->set_inspector([weak = weak_from_this()](const Credentials& who) {
        const auto self = weak.lock();
        return self ? inspect(who, self->options_, self->address(), *self->handlers_, *self->clients_) : std::string();
    });
    const peer::NoteLate note_late = [weak = weak_from_this()](const std::string& text) {
        const auto self = weak.lock();
        self ? self->hooks_.on_late(text) : void();
    };
    peer::PeerSettings settings{executor_, handlers_, connection_options(), options_.resume_window};
    settings.destination.note_late = note_late;
    const auto make = [weak = weak_from_this(), settings](std::string id) {
        auto expired = [weak, id] {
            const auto self = weak.lock();
            self ? void(self->clients_->expire(id)) : void();
        };
        return std::make_shared<peer::Peer>(settings, std::move(id), std::move(expired));
    };
    const peer::Destination any{"any client", {}, note_late};
    auto unassigned = std::make_shared<peer::Requester>(executor_, options_.limits.max_unsent, options_.counters,
                                                        peer::RequestIdCodec(), any);
    unassigned->set_asking_interceptor(handlers_->asking_interceptor());
    clients_ = std::make_shared<Clients>(std::move(unassigned), options_.max_connections, options_.max_sessions, make);
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::start(std::shared_ptr<ServerCore> self) {
    const auto stops = self->stops_;
    while (self->starting_ || (self->stopped_ && !self->has_ended())) {  // by another call, or still stopping
        co_await self->changed_.wait();
    }
    if (self->stops_ != stops) {  // stopped while it waited
        throw std::system_error(errc::closed);
    }
    if (self->running_ || (self->drains_ != 0 && !self->stopped_)) {
        co_return;
    }
    const Starting starting(*self);
    auto listener = co_await self->listener_factory_.listen(self->executor_, self->connection_options());
    if (self->stops_ != stops) {  // stopped before it listened
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
    self->draining_ = false;
    self->running_ = true;
    try {
        asio::co_spawn(self->strand_, accept_until_stopped(self, listener), asio::detached);
    } catch (...) {
        self->running_ = false;
        listener->close();
        throw;
    }
}

// Not a completion of `accept_all`: without memory, Asio does not call it.
COMMUNICA_INLINE asio::awaitable<void> ServerCore::accept_until_stopped(std::shared_ptr<ServerCore> self,
                                                                        std::shared_ptr<Listener> listener) {
    std::exception_ptr failure;
    try {
        co_await accept_all(self, listener);
    } catch (...) {
        failure = std::current_exception();
    }
    listener->close();
    self->running_ = false;
    self->on_change();
    if (failure) {
        self->hooks_.log(LogLevel::error, [&] { return "accepts no more: " + Error::from(failure).text(); });
        self->request_stop();
    }
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::run(std::shared_ptr<ServerCore> self) {
    co_await start(self);
    co_await wait_stopped(self, self->stops_ + 1);
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::close(std::shared_ptr<ServerCore> self) {
    self->request_stop();
    self->stop();
    co_await wait_stopped(self, self->stops_);
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::drain(std::shared_ptr<ServerCore> self,
                                                         std::chrono::steady_clock::duration time) {
    self->draining_ = true;
    const auto stops = self->stops_;
    std::optional<CountedScope> draining(std::in_place, self->drains_);
    try {
        if (const auto listening = self->listener()) {
            listening->close();
        }
        const auto idle = self->changed_.notifier(self->weak_from_this());
        for (const auto& peer : self->clients_->all()) {
            peer->drain(idle);
        }
        const auto undelivered = count_undelivered(self->connections_, idle);
        const auto deadline = peer::deadline_after(time);
        const auto alarm = self->changed_.notify_at(deadline, self);
        while (self->stops_ == stops && (*undelivered != 0 || self->clients_->are_at_work()) &&
               deadline > peer::Clock::now()) {
            co_await self->changed_.wait();
        }
    } catch (...) {  // cancelled, or out of memory: closes in the background
        self->request_stop();
        throw;
    }
    draining.reset();
    if (self->stops_ == stops) {
        co_await close(self);
    } else {  // stopped meanwhile, and possibly started again
        co_await wait_stopped(self, stops + 1);
    }
}

COMMUNICA_INLINE void ServerCore::stop() {
    ++stops_;
    stopped_ = true;
    next_.cancel();
    if (const auto listening = listener()) {
        listening->close();
    }
    for (const auto& [key, connection] : connections_) {
        try {
            connection->close();
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; its peer is closed
        }
    }
    on_change();
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::wait_stopped(std::shared_ptr<ServerCore> self, std::uint64_t stop) {
    while (self->stops_done_ < stop) {
        co_await self->changed_.wait();
    }
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::accept_all(std::shared_ptr<ServerCore> self,
                                                              std::shared_ptr<Listener> listener) {
    while (self->accepts()) {
        std::shared_ptr<Connection> connection;
        std::optional<Error> failure;
        try {
            connection = co_await listener->accept();
            if (connection && self->accepts()) {
                self->admit(connection);
            }
        } catch (...) {  // usually out of descriptors or memory, a temporary state
            failure = Error::from(std::current_exception());
        }
        if (connection && (!self->accepts() || failure)) {
            connection->abort();
            self->forget(connection);
        }
        if (!self->accepts()) {
            break;
        }
        if (failure) {
            self->hooks_.log(LogLevel::error, [&] { return "can't accept: " + failure->text(); });
            if (failure->code != errc::handshake_failed) {
                self->next_.expires_after(std::chrono::milliseconds{100});
                co_await self->next_.async_wait(no_throw);
            }
            continue;
        }
        if (!connection) {
            self->hooks_.log(LogLevel::warning, [] { return "a connection was closed: its user is not let in"; });
        }
        // Handshakes run one at a time; after 200 us the next starts anyway. A connection flood delays connected
        // clients by at most one handshake step (requests took 2 to 4 times as long, now 1.4), and connections that
        // have sent their hello are not counted among those that have not.
        self->next_.expires_after(slow_handshake);
        co_await self->next_.async_wait(no_throw);
    }
}

COMMUNICA_INLINE void ServerCore::admit(const std::shared_ptr<Connection>& connection) {
    connections_.emplace(connection.get(), connection);
    handshakes_.push_back(connection);
    if (handshakes_.size() > options_.max_handshakes) {
        hooks_.log(LogLevel::warning, [] { return "too many connections have not said hello: the oldest goes"; });
        handshakes_.front()->abort();
        handshakes_.pop_front();
    }
    asio::co_spawn(connection->get_executor(), serve(shared_from_this(), connection), asio::detached);
}

COMMUNICA_INLINE void ServerCore::end_handshake(const std::shared_ptr<Connection>& connection) {
    if (!handshakes_.empty() && handshakes_.back() == connection) {
        next_.cancel();
    }
    std::erase(handshakes_, connection);
}

COMMUNICA_INLINE asio::awaitable<void> ServerCore::serve(std::shared_ptr<ServerCore> self,
                                                         std::shared_ptr<Connection> connection) {
    try {
        AcceptedClient accepted = co_await handshake(self, connection);
        asio::post(self->strand_, base::Task([self, connection] { self->end_handshake(connection); }));
        if (accepted.lease) {
            ServedConnection::begin(std::make_shared<ServedConnection>(self, connection, std::move(accepted.lease)),
                                    accepted.offer);
            co_return;
        }
    } catch (...) {  // a failed handshake affects only its client
        const auto failure = std::current_exception();
        self->hooks_.log(LogLevel::info, [&] { return "a handshake failed: " + Error::from(failure).text(); });
        connection->abort();
    }
    self->forget(connection);
}

COMMUNICA_INLINE void ServerCore::forget(const std::shared_ptr<Connection>& connection) {
    base::post_or_again(strand_, [self = shared_from_this(), connection] {
        self->connections_.erase(connection.get());
        self->end_handshake(connection);
        self->on_change();
        if (self->listener_factory_.serves_once() && self->connections_.empty() && !self->stopped_) {
            self->request_stop();  // no other client can connect
        }
    });
}

COMMUNICA_INLINE asio::awaitable<ServerCore::AcceptedClient> ServerCore::handshake(
    std::shared_ptr<ServerCore> self, std::shared_ptr<Connection> connection) {
    const peer::HandshakeDeadline deadline(connection, peer::deadline_after(self->options_.handshake_timeout));
    std::string hello = co_await connection->read_hello();
    AcceptedClient accepted;
    Error refusal;
    try {
        accepted = self->authorize(hello, connection->credentials());
    } catch (const std::system_error& e) {
        refusal = {e.code(), e.what()};
    }
    if (accepted.lease && self->options_.contract) {
        const std::string& id = accepted.lease->peer()->id();
        refusal = co_await compare_with_client(connection, self->options_.contract, self->hooks_, hello, id);
        if (refusal.code) {
            accepted.lease.reset();
        }
    }
    std::string().swap(hello);  // frees the memory: a refused client may take long to disconnect
    if (accepted.lease) {
        const auto offer = accepted.lease->peer()->offer(connection->passes_descriptors());
        co_await connection->write_hello(peer::server_hello(accepted.offer, offer));
    } else {
        self->hooks_.log(LogLevel::warning, [&] { return "a client was refused: " + refusal.message; });
        co_await connection->refuse(refusal);
    }
    co_return accepted;
}

COMMUNICA_INLINE ServerCore::AcceptedClient ServerCore::authorize(const std::string& hello_text,
                                                                  const Credentials& credentials) {
    const auto hello = wire::parse_hello(hello_text);
    if (wire::nonce_in(hello)) {
        throw MessageError(errc::authentication_failed, "the client has a shared key, and this server has none", {});
    }
    const ClientInfo who{peer::client_id_in(hello), credentials};
    std::optional<std::string> refusal;
    if (draining_) {
        refusal = "the server is about to close";
    } else if (options_.on_accept) {
        refusal = "the server can't tell whether it may";
        hooks_.run([&] { refusal = options_.on_accept(who); });
    }
    if (refusal) {
        throw MessageError(errc::handshake_failed, *refusal, {});
    }
    return {clients_->arrive(who.client_id, credentials), peer::read_capabilities(hello)};
}

}  // namespace communica::entities
