#pragma once

#include "../peer/backoff.hpp"
#include "../peer/hello.hpp"
#include "../peer/inbox.hpp"
#include "../peer/peer.hpp"
#include "../serializers/codec/utf8.hpp"
#include "../wire/handshake.hpp"
#include "client_keeper.hpp"

#include <random>
#include <utility>

namespace communica::entities {

/// A connection that is served.
class ClientKeeper::Visit final : public peer::Inbox {
 public:
    Visit(std::shared_ptr<ClientKeeper> keeper, std::shared_ptr<Connection> connection)
        : Inbox(keeper->peer_, std::move(connection)), keeper_(std::move(keeper)) {}

 private:
    void on_attached() override {
        asio::post(keeper_->strand_, Task([keeper = keeper_] {
                       ++keeper->connections_;
                       keeper->changed_.cancel();
                       keeper->hooks_.log(LogLevel::info, [&] { return "connected to " + keeper->dialer_.address(); });
                       keeper->hooks_.call(keeper->options_.on_connect);
                   }));
    }

    void on_detached(const Error& why) override {
        post_or_again(keeper_->strand_, [keeper = keeper_, why] {
            keeper->ending_ = why;
            keeper->changed_.cancel();
        });
    }

    const std::shared_ptr<ClientKeeper> keeper_;
};

COMMUNICA_INLINE ClientKeeper::ClientKeeper(asio::any_io_executor executor, Dialer dialer,
                                            std::shared_ptr<peer::Handlers> handlers, ClientOptions options)
    : executor_(std::move(executor)),
      strand_(make_strand_on(executor_)),
      dialer_(std::move(dialer)),
      handlers_(std::move(handlers)),
      options_(std::move(options)),
      hooks_(executor_, options_.log, options_.counters),
      connection_options_{options_.limits, std::make_shared<Budget>(options_.limits.max_held_in_all), options_.counters,
                          options_.spin},
      changed_(strand_, asio::steady_timer::time_point::max()),
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

COMMUNICA_INLINE ClientKeeper::~ClientKeeper() = default;

COMMUNICA_INLINE const std::shared_ptr<peer::Requester>& ClientKeeper::requester() { return peer_->requester(); }

COMMUNICA_INLINE bool ClientKeeper::is_connected() const { return peer_->is_connected(); }

COMMUNICA_INLINE Error ClientKeeper::last_error() const { return failures_->last(); }

COMMUNICA_INLINE void ClientKeeper::request_stop(const Error& reason) {
    touched_ = true;
    try {
        peer_->close(reason);
    } catch (...) {  // NOLINT(bugprone-empty-catch): for want of memory; it is closed
    }
    // Not posted: a start that the same handler calls next has to come after, and on the strand it takes no memory.
    if (is_running_on(strand_)) {
        stop();
    } else {
        post_or_again(strand_, [self = shared_from_this()] { self->stop(); });
    }
}

COMMUNICA_INLINE void ClientKeeper::wait_for_calls() const { peer_->calls().wait(); }

COMMUNICA_INLINE void ClientKeeper::start() {
    touched_ = true;
    if (!std::exchange(reports_, true)) {
        handlers_->set_on_failure([weak = weak_from_this()](const peer::Failure& failure) {
            if (const auto self = weak.lock()) {
                self->hooks_.on_failure(failure);
            }
        });
    }
    if (std::exchange(stopped_, false)) {
        stop_reason_ = {errc::closed};
        peer_->open();
    }
    if (!std::exchange(running_, true)) {
        asio::co_spawn(strand_, keep_connected(shared_from_this()),
                       [self = shared_from_this()](const std::exception_ptr& failure) {
                           self->running_ = false;
                           if (failure) {
                               self->request_stop(Error::from(failure));
                           }
                           self->on_stopped();
                       });
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::connect(std::shared_ptr<ClientKeeper> self,
                                                             ConnectOptions options) {
    const bool was_started = self->running_ && !self->stopped_;
    self->start();
    try {
        co_await wait_connected(self, options);
    } catch (const std::system_error& e) {
        const bool was_cancelled = e.code() == asio::error::operation_aborted;
        if (!self->stopped_ && !(was_cancelled && was_started)) {
            self->request_stop();
        }
        throw;
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::wait_connected(std::shared_ptr<ClientKeeper> self,
                                                                    ConnectOptions options) {
    asio::steady_timer deadline(self->strand_, peer::Clock::time_point::max());
    if (options.timeout) {
        deadline.expires_after(*options.timeout);
    }
    deadline.async_wait(WaitTask([self](asio::error_code) { self->changed_.cancel(); }));
    // A connection that has already ended when this is resumed counts as well.
    const auto before = self->connections_;
    const auto attempts_before = self->attempts_;
    while (!self->peer_->is_connected() && self->connections_ == before) {
        if (self->stopped_) {
            std::rethrow_exception(self->stop_reason_.to_exception());
        }
        if (options.attempts && self->attempts_ - attempts_before >= *options.attempts) {
            throw MessageError(self->last_error().code, self->why_not_connected(), {});
        }
        if (deadline.expiry() <= peer::Clock::now()) {
            throw std::system_error(errc::timeout, self->why_not_connected());
        }
        co_await self->changed_.async_wait(no_throw);
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::run(std::shared_ptr<ClientKeeper> self) {
    self->start();
    co_await wait_stopped(self, self->stops_ + 1);
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::close(std::shared_ptr<ClientKeeper> self) {
    self->request_stop();
    self->stop();
    co_await wait_stopped(self, self->stops_);
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::drain(std::shared_ptr<ClientKeeper> self,
                                                           std::chrono::steady_clock::duration time) {
    asio::steady_timer deadline(self->strand_, time);
    deadline.async_wait(WaitTask([self](asio::error_code) { self->changed_.cancel(); }));
    self->peer_->drain([weak = self->weak_from_this()] {
        if (const auto alive = weak.lock()) {
            asio::post(alive->strand_, Task([alive] { alive->changed_.cancel(); }));
        }
    });
    try {
        while (!self->stopped_ && self->peer_->responder().at_work() != 0 && deadline.expiry() > peer::Clock::now()) {
            co_await self->changed_.async_wait(no_throw);
        }
    } catch (...) {  // cancelled: it closes, and nobody waits for that
        self->request_stop();
        throw;
    }
    co_await close(self);
}

COMMUNICA_INLINE void ClientKeeper::stop() {
    ++stops_;
    stopped_ = true;
    retry_.cancel();
    attempt_.emit(asio::cancellation_type::terminal);
    if (current_) {
        current_->close();
    }
    changed_.cancel();
}

COMMUNICA_INLINE void ClientKeeper::on_stopped() {
    stops_done_ = stops_;
    changed_.cancel();
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::wait_stopped(std::shared_ptr<ClientKeeper> self,
                                                                  std::uint64_t stop) {
    while (self->stops_ < stop || (self->running_ && self->stops_done_ < stop)) {
        co_await self->changed_.async_wait(no_throw);
    }
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::keep_connected(std::shared_ptr<ClientKeeper> self) {
    std::minstd_rand random{std::random_device{}()};
    peer::Backoff backoff(self->options_.backoff.value_or(BackoffOptions{.first = self->dialer_.first_retry()}));
    while (!self->stopped_) {
        self->on_stopped();  // and started again
        const auto before = self->connections_;
        const auto deadline =
            peer::deadline_after(self->options_.connect_timeout);  // of the attempt, its hello included
        Error ending;
        try {
            self->current_ = co_await self->open_connection(deadline);
            co_await asio::co_spawn(self->current_->get_executor(), greet(self, self->current_, deadline),
                                    asio::use_awaitable);
            while (!self->ending_) {
                co_await self->changed_.async_wait(no_throw);
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
        self->changed_.cancel();
        if (was_connected) {
            backoff.reset();
        }
        if (!self->stopped_) {
            self->retry_.expires_after(backoff.next(random));
            co_await self->retry_.async_wait(no_throw);
        }
    }
}

COMMUNICA_INLINE bool ClientKeeper::is_final(const std::error_code& code) {
    return code == errc::replaced || code == errc::authentication_failed || code == errc::invalid_argument ||
           code == asio::error::access_denied || code == std::errc::permission_denied;
}

COMMUNICA_INLINE void ClientKeeper::on_ending(const Error& ending, bool was_connected) {
    failures_->add(ending, was_connected);
    ++attempts_;
    hooks_.log(LogLevel::info, [&] { return "no connection to " + dialer_.address() + ": " + ending.text(); });
    if (was_connected) {
        hooks_.call(options_.on_disconnect, ending);
    }
    // To come back would be to replace the other in turn, to fail again, or to wait for what can't come.
    if ((is_final(ending.code) || dialer_.serves_once()) && !stopped_) {
        stop_reason_ = ending.worded();
        request_stop(stop_reason_);
    }
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> ClientKeeper::open_connection(
    peer::Clock::time_point deadline) {
    asio::steady_timer timer(strand_, deadline);
    timer.async_wait(WaitTask([self = shared_from_this()](asio::error_code error) {
        if (!error) {
            self->attempt_.emit(asio::cancellation_type::terminal);
        }
    }));
    co_return co_await asio::co_spawn(strand_, dialer_.connect(executor_, connection_options_),
                                      asio::bind_cancellation_slot(attempt_.slot(), asio::use_awaitable));
}

COMMUNICA_INLINE asio::awaitable<void> ClientKeeper::greet(std::shared_ptr<ClientKeeper> self,
                                                           std::shared_ptr<Connection> connection,
                                                           peer::Clock::time_point deadline) {
    peer::Offer offer;
    try {
        const peer::HandshakeDeadline limit(connection, deadline);
        co_await connection->write_hello(peer::client_hello(self->options_.client_id, self->peer_->offer()));
        const std::string hello = co_await connection->read_hello();
        offer = peer::read_offer(wire::parse_hello(hello));
    } catch (const std::exception&) {
        if (deadline <= peer::Clock::now()) {
            throw MessageError(errc::timeout, self->dialer_.address() + ": connected, but no hello came", {});
        }
        throw;
    }
    Visit::begin(std::make_shared<Visit>(self, connection), offer);
}

COMMUNICA_INLINE std::string ClientKeeper::why_not_connected() const {
    const std::string where = dialer_.address() + ": ";
    const std::string why = failures_->text();
    return "no connection to " + (why.starts_with(where) ? why : where + why);
}

COMMUNICA_INLINE peer::Destination ClientKeeper::destination() const {
    peer::Destination to;
    try {
        to.name = dialer_.address();
    } catch (...) {  // NOLINT(bugprone-empty-catch): an address that its connector throws at has no text
    }
    to.why_absent = [failures = failures_] { return failures->text(); };
    return to;
}

}  // namespace communica::entities
