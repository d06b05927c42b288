#pragma once

#include "../peer/backoff.hpp"
#include "../peer/hello.hpp"
#include "../peer/message_dispatcher.hpp"
#include "../peer/peer.hpp"
#include "../serializers/codec/utf8.hpp"
#include "../wire/handshake.hpp"
#include "client_core.hpp"
#include "contract_handshake.hpp"

#include <cstdint>
#include <random>
#include <utility>

namespace communica::entities {

/// A connection after its handshake.
class ClientCore::ServedConnection final : public peer::MessageDispatcher {
 public:
    ServedConnection(std::shared_ptr<ClientCore> core, std::shared_ptr<Connection> connection)
        : MessageDispatcher(core->peer_, std::move(connection)), core_(std::move(core)) {}

 private:
    void on_attached() override {
        asio::post(core_->strand_, base::Task([core = core_] {
                       ++core->connections_;
                       core->changed_.notify_all();
                       core->hooks_.log(LogLevel::info,
                                        [&] { return "connected to " + core->connection_factory_.address(); });
                       core->hooks_.call(core->options_.on_connect);
                   }));
    }

    void on_detached(const Error& why, const peer::UnconfirmedNotifications& unconfirmed) override {
        core_->hooks_.on_unconfirmed(unconfirmed, why, [this] { return core_->connection_factory_.address(); });
        base::post_or_again(core_->strand_, [core = core_, why] {
            core->ending_ = why;
            core->changed_.notify_all();
        });
    }

    const std::shared_ptr<ClientCore> core_;
};

COMMUNICA_INLINE ClientCore::ClientCore(asio::any_io_executor executor, ConnectionFactory factory,
                                        std::shared_ptr<peer::Handlers> handlers, ClientOptions options)
    : executor_(std::move(executor)),
      strand_(base::make_strand_on(executor_)),
      connection_factory_(std::move(factory)),
      handlers_(std::move(handlers)),
      options_(std::move(options)),
      hooks_(executor_, options_.log, options_.counters),
      connection_options_{options_.limits,        std::make_shared<Budget>(options_.limits.max_inflight_bytes_in_all),
                          options_.counters,      options_.busy_poll,
                          options_.adaptive_poll, std::make_shared<Budget>(options_.limits.max_descriptors_in_all)},
      changed_(strand_),
      retry_(strand_) {
    if (options_.client_id.empty()) {
        options_.client_id = peer::random_client_id();
    }
    if (options_.client_id.size() > peer::max_client_id || !codec::is_utf8(options_.client_id)) {
        throw std::system_error(errc::invalid_argument,
                                "a client id is UTF-8 of at most " + std::to_string(peer::max_client_id) + " bytes");
    }
    handlers_->set_interceptor(options_.interceptor);
    handlers_->set_asking_interceptor(options_.asking_interceptor);
    peer_ = std::make_shared<peer::Peer>(
        peer::PeerSettings{executor_, handlers_, connection_options_, options_.resume_window, destination()},
        options_.client_id);
}

COMMUNICA_INLINE ClientCore::~ClientCore() = default;

COMMUNICA_INLINE const std::shared_ptr<peer::Requester>& ClientCore::requester() { return peer_->requester(); }

COMMUNICA_INLINE bool ClientCore::is_connected() const { return peer_->is_connected(); }

COMMUNICA_INLINE Error ClientCore::last_error() const { return failures_->last(); }

COMMUNICA_INLINE void ClientCore::request_stop(const Error& reason) {
    touched_ = true;
    try {
        peer_->close(reason);
    } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; the peer is closed
    }
    // Not posted: a `start` that the same handler calls next has to run after it. On the strand it allocates nothing.
    if (base::is_running_on(strand_)) {
        stop();
    } else {
        base::post_or_again(strand_, [self = shared_from_this()] { self->stop(); });
    }
}

COMMUNICA_INLINE void ClientCore::wait_for_calls() const { peer_->calls().wait(); }

COMMUNICA_INLINE void ClientCore::start() {
    touched_ = true;
    if (!std::exchange(reports_, true)) {
        handlers_->set_on_failure([weak = weak_from_this()](const peer::Failure& failure) {
            if (const auto self = weak.lock()) {
                self->hooks_.on_failure(failure);
            }
        });
        late_log_->log = [weak = weak_from_this()](const std::string& text) {
            if (const auto self = weak.lock()) {
                self->hooks_.on_late(text);
            }
        };
        late_log_->is_set.store(true, std::memory_order_release);
    }
    if (std::exchange(stopped_, false)) {
        stop_reason_ = {errc::closed};
        peer_->open();
    }
    if (!std::exchange(running_, true)) {
        try {
            asio::co_spawn(strand_, run_until_stopped(shared_from_this()), asio::detached);
        } catch (...) {
            running_ = false;
            throw;
        }
    }
}

// Not a completion of `keep_connected`: without memory, Asio does not call it.
COMMUNICA_INLINE asio::awaitable<void> ClientCore::run_until_stopped(std::shared_ptr<ClientCore> self) {
    std::exception_ptr failure;
    try {
        co_await keep_connected(self);
    } catch (...) {
        failure = std::current_exception();
    }
    self->running_ = false;
    if (failure) {
        self->request_stop(Error::from(failure));
    }
    self->on_stopped();
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::connect(std::shared_ptr<ClientCore> self, ConnectOptions options) {
    const bool was_started = self->running_ && !self->stopped_;
    self->start();
    try {
        co_await wait_connected(self, options);
    } catch (...) {
        const Error error = Error::from(std::current_exception());
        const bool was_cancelled = error.code == asio::error::operation_aborted;
        if (!self->stopped_ && !(was_cancelled && was_started)) {
            self->request_stop();
        }
        throw;
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::wait_connected(std::shared_ptr<ClientCore> self,
                                                                  ConnectOptions options) {
    const auto deadline = options.timeout ? peer::deadline_after(*options.timeout) : peer::Clock::time_point::max();
    const auto alarm = self->changed_.notify_at(deadline, self);
    // A connection that has ended before this coroutine resumes counts as well.
    const auto before = self->connections_;
    const auto attempts_before = self->attempts_;
    while (!self->peer_->is_connected() && self->connections_ == before) {
        if (self->stopped_) {
            std::rethrow_exception(self->stop_reason_.to_exception());
        }
        if (options.attempts && self->attempts_ - attempts_before >= *options.attempts) {
            throw MessageError(self->last_error().code, self->why_not_connected(), {});
        }
        if (deadline <= peer::Clock::now()) {
            throw std::system_error(errc::timeout, self->why_not_connected());
        }
        co_await self->changed_.wait();
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::run(std::shared_ptr<ClientCore> self) {
    self->start();
    co_await wait_stopped(self, self->stops_ + 1);
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::close(std::shared_ptr<ClientCore> self) {
    self->request_stop();
    self->stop();
    co_await wait_stopped(self, self->stops_);
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::drain(std::shared_ptr<ClientCore> self,
                                                         std::chrono::steady_clock::duration time) {
    try {
        const auto deadline = peer::deadline_after(time);
        const auto alarm = self->changed_.notify_at(deadline, self);
        self->peer_->drain(self->changed_.notifier(self->weak_from_this()));
        while (!self->stopped_ && self->peer_->responder().at_work() != 0 && deadline > peer::Clock::now()) {
            co_await self->changed_.wait();
        }
    } catch (...) {  // cancelled, or out of memory: closes in the background
        self->request_stop();
        throw;
    }
    co_await close(self);
}

COMMUNICA_INLINE void ClientCore::stop() {
    ++stops_;
    stopped_ = true;
    retry_.cancel();
    attempt_.emit(asio::cancellation_type::terminal);
    if (current_) {
        current_->close();
    }
    changed_.notify_all();
}

COMMUNICA_INLINE void ClientCore::on_stopped() {
    stops_done_ = stops_;
    changed_.notify_all();
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::wait_stopped(std::shared_ptr<ClientCore> self, std::uint64_t stop) {
    while (self->stops_ < stop || (self->running_ && self->stops_done_ < stop)) {
        co_await self->changed_.wait();
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::keep_connected(std::shared_ptr<ClientCore> self) {
    std::minstd_rand random{std::random_device{}()};
    peer::Backoff backoff(
        self->options_.backoff.value_or(BackoffOptions{.first = self->connection_factory_.first_retry()}));
    while (!self->stopped_) {
        self->on_stopped();  // earlier stops are complete: it was started again
        const auto before = self->connections_;
        const auto deadline =
            peer::deadline_after(self->options_.connect_timeout);  // of the attempt, including its handshake
        Error ending;
        try {
            self->current_ = co_await self->open_connection(deadline);
            co_await base::spawn_on(self->current_->get_executor(), handshake(self, self->current_, deadline),
                                    asio::use_awaitable);
            while (!self->ending_) {
                co_await self->changed_.wait();
            }
            ending = *std::exchange(self->ending_, std::nullopt);
        } catch (...) {
            ending = Error::from(std::current_exception());
            if (ending.code == asio::error::operation_aborted && !self->stopped_ && deadline <= peer::Clock::now()) {
                ending.code = errc::timeout;
            }
        }
        self->current_.reset();
        const bool was_connected = self->connections_ != before;
        self->on_ending(ending, was_connected);
        self->changed_.notify_all();
        if (was_connected) {
            backoff.reset();
        }
        if (!self->stopped_) {
            self->retry_.expires_after(backoff.next(random));
            co_await self->retry_.async_wait(no_throw);
        }
    }
}

COMMUNICA_INLINE bool ClientCore::is_final(const std::error_code& code) {
    return code == errc::replaced || code == errc::authentication_failed || code == errc::incompatible_contract ||
           code == errc::invalid_argument || code == asio::error::access_denied || code == std::errc::permission_denied;
}

COMMUNICA_INLINE void ClientCore::on_ending(const Error& ending, bool was_connected) {
    failures_->add(ending, was_connected);
    ++attempts_;
    hooks_.log(LogLevel::info,
               [&] { return "no connection to " + connection_factory_.address() + ": " + ending.text(); });
    if (was_connected) {
        hooks_.call(options_.on_disconnect, ending);
    }
    // A new attempt would replace the other client in turn, fail in the same way, or find nothing to connect to.
    if ((is_final(ending.code) || connection_factory_.serves_once()) && !stopped_) {
        stop_reason_ = ending.worded();
        request_stop(stop_reason_);
    }
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> ClientCore::open_connection(
    peer::Clock::time_point deadline) {
    asio::steady_timer timer(strand_, deadline);
    timer.async_wait(base::WaitTask([self = shared_from_this()](asio::error_code error) {
        if (!error) {
            self->attempt_.emit(asio::cancellation_type::terminal);
        }
    }));
    co_return co_await asio::co_spawn(strand_, connection_factory_.connect(executor_, connection_options_),
                                      asio::bind_cancellation_slot(attempt_.slot(), asio::use_awaitable));
}

COMMUNICA_INLINE asio::awaitable<void> ClientCore::handshake(std::shared_ptr<ClientCore> self,
                                                             std::shared_ptr<Connection> connection,
                                                             peer::Clock::time_point deadline) {
    peer::Capabilities offer;
    try {
        const peer::HandshakeDeadline limit(connection, deadline);
        const auto contract = self->options_.contract;
        const std::string hashes = contract ? contract->hashes() : "";
        const auto own = self->peer_->offer(connection->passes_descriptors());
        co_await connection->write_hello(peer::client_hello(self->options_.client_id, own, hashes));
        std::string hello;
        if (contract) {
            const std::string address = self->connection_factory_.address();
            hello = co_await compare_with_server(connection, contract, self->hooks_, address);
        } else {
            hello = co_await connection->read_hello();
        }
        offer = peer::read_capabilities(wire::parse_hello(hello));
    } catch (const std::exception&) {
        if (deadline <= peer::Clock::now()) {
            throw MessageError(errc::timeout, self->connection_factory_.address() + ": connected, but no hello came",
                               {});
        }
        throw;
    }
    ServedConnection::begin(std::make_shared<ServedConnection>(self, connection), offer);
}

COMMUNICA_INLINE std::string ClientCore::why_not_connected() const {
    const std::string where = connection_factory_.address() + ": ";
    const std::string why = failures_->text();
    return "no connection to " + (why.starts_with(where) ? why : where + why);
}

COMMUNICA_INLINE peer::Destination ClientCore::destination() const {
    peer::Destination to;
    try {
        to.name = connection_factory_.address();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the connector can't give its address; the name stays empty
    }
    to.why_absent = [failures = failures_] { return failures->text(); };
    to.note_late = [late = late_log_](const std::string& text) {
        if (late->is_set.load(std::memory_order_acquire)) {
            late->log(text);
        }
    };
    return to;
}

}  // namespace communica::entities
