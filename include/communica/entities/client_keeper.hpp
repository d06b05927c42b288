// What keeps a client connected.
#pragma once

#include "../asio.hpp"
#include "../connector.hpp"
#include "../peer/backoff.hpp"
#include "../peer/hello.hpp"
#include "../peer/inbox.hpp"
#include "../peer/peer.hpp"
#include "../wire/handshake.hpp"
#include "options.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace communica::entities {

/// Connects, serves the connection, and connects again until it is stopped. Everything runs on one strand, but for what
/// is marked thread-safe.
class ClientKeeper : public std::enable_shared_from_this<ClientKeeper> {
 public:
    ClientKeeper(asio::any_io_executor executor, Dialer dialer, std::shared_ptr<peer::Handlers> handlers,
                 ClientOptions options)
        : executor_(std::move(executor)),
          strand_(make_strand_on(executor_)),
          dialer_(std::move(dialer)),
          handlers_(std::move(handlers)),
          options_(std::move(options)),
          hooks_(executor_, options_.log),
          connection_options_{options_.limits, std::make_shared<Budget>(options_.limits.max_held_in_all),
                              options_.counters, options_.spin},
          changed_(strand_, asio::steady_timer::time_point::max()),
          retry_(strand_) {
        if (options_.client_id.empty()) {
            options_.client_id = peer::random_client_id();
        }
        handlers_->set_interceptor(options_.interceptor);
        peer_ = std::make_shared<peer::Peer>(
            peer::PeerSettings{executor_, handlers_, connection_options_, options_.resume_window}, options_.client_id);
    }

    // ---- thread-safe

    const std::shared_ptr<peer::Peer>& peer() const noexcept { return peer_; }
    const std::shared_ptr<peer::Handlers>& handlers() const noexcept { return handlers_; }
    const std::string& client_id() const noexcept { return options_.client_id; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const asio::any_io_executor& strand() const noexcept { return strand_; }

    /// Why there is no connection, or how the last one ended.
    Error last_error() const {
        const std::lock_guard lock(mutex_);
        return last_error_;
    }
    /// No hook is called from now on.
    void close_hooks() { hooks_.close(); }

    void request_stop(const Error& reason = {errc::closed}) {
        peer_->close(reason);
        // Not posted: a start that the same handler calls next has to come after.
        asio::dispatch(strand_, Task([self = shared_from_this()] { self->stop(); }));
    }

    // ---- on the strand

    void start() {
        if (std::exchange(stopped_, false)) {
            stop_reason_ = errc::closed;
            peer_->open();
        }
        if (!std::exchange(running_, true)) {
            asio::co_spawn(strand_, keep_connected(shared_from_this()), asio::detached);
        }
    }

    static asio::awaitable<void> connect(std::shared_ptr<ClientKeeper> self, ConnectOptions options) {
        self->start();
        try {
            co_await wait_connected(self, options);
        } catch (const std::system_error& e) {
            if (e.code() == errc::timeout) {
                self->request_stop();
            }
            throw;
        }
    }

    static asio::awaitable<void> wait_connected(std::shared_ptr<ClientKeeper> self, ConnectOptions options) {
        asio::steady_timer deadline(self->strand_, peer::Clock::time_point::max());
        if (options.timeout) {
            deadline.expires_after(*options.timeout);
        }
        deadline.async_wait(WaitTask([self](asio::error_code) { self->changed_.cancel(); }));
        while (!self->peer_->is_connected()) {
            if (self->stopped_) {
                throw std::system_error(self->stop_reason_);
            }
            if (deadline.expiry() <= peer::Clock::now()) {
                throw std::system_error(errc::timeout, self->why_not_connected());
            }
            co_await self->changed_.async_wait(no_throw);
        }
    }

    static asio::awaitable<void> run(std::shared_ptr<ClientKeeper> self) {
        self->start();
        co_await wait_stopped(self);
    }

    static asio::awaitable<void> close(std::shared_ptr<ClientKeeper> self) {
        self->request_stop();
        self->stop();
        co_await wait_stopped(self);
    }

    static asio::awaitable<void> drain(std::shared_ptr<ClientKeeper> self, peer::Clock::duration time) {
        asio::steady_timer deadline(self->strand_, time);
        deadline.async_wait(WaitTask([self](asio::error_code) { self->changed_.cancel(); }));
        self->peer_->drain([weak = self->weak_from_this()] {
            if (const auto alive = weak.lock()) {
                asio::post(alive->strand_, Task([alive] { alive->changed_.cancel(); }));
            }
        });
        while (!self->stopped_ && self->peer_->responder().at_work() != 0 && deadline.expiry() > peer::Clock::now()) {
            co_await self->changed_.async_wait(no_throw);
        }
        co_await close(self);
    }

 private:
    void stop() {
        stopped_ = true;
        retry_.cancel();
        attempt_.emit(asio::cancellation_type::terminal);
        if (current_) {
            current_->close();
        }
        changed_.cancel();
    }

    static asio::awaitable<void> wait_stopped(std::shared_ptr<ClientKeeper> self) {
        while (!self->stopped_ || self->running_) {
            co_await self->changed_.async_wait(no_throw);
        }
    }

    static asio::awaitable<void> keep_connected(std::shared_ptr<ClientKeeper> self) {
        std::minstd_rand random{std::random_device{}()};
        peer::Backoff backoff(self->options_.backoff.value_or(BackoffOptions{.first = self->dialer_.first_retry()}));
        while (!self->stopped_) {
            self->greeted_ = false;
            Error ending;
            try {
                self->current_ = co_await self->open_connection();
                co_await asio::co_spawn(self->current_->get_executor(), greet(self, self->current_),
                                        asio::use_awaitable);
                while (!self->ending_) {
                    co_await self->changed_.async_wait(no_throw);
                }
                ending = *std::exchange(self->ending_, std::nullopt);
            } catch (...) {
                ending = Error::from(std::current_exception());
            }
            self->current_.reset();
            self->on_ending(ending);
            self->changed_.cancel();
            if (self->greeted_) {
                backoff.reset();
            }
            if (!self->stopped_) {
                self->retry_.expires_after(backoff.next(random));
                co_await self->retry_.async_wait(no_throw);
            }
        }
        self->running_ = false;
        self->changed_.cancel();
    }

    /// A connection, or the attempt at one, has come to nothing.
    void on_ending(const Error& ending) {
        {
            const std::lock_guard lock(mutex_);
            last_error_ = ending;
        }
        hooks_.log(LogLevel::info, [&] { return "no connection to " + dialer_.address() + ": " + ending.text(); });
        if (greeted_) {
            hooks_.call(options_.on_disconnect, ending);
        }
        // To come back would be to replace the other in turn, or to fail again.
        if ((ending.code == errc::replaced || ending.code == errc::authentication_failed) && !stopped_) {
            stop_reason_ = ending.code;
            request_stop(ending);
        }
    }

    /// A connection, or why there is none, within the attempt's time.
    asio::awaitable<std::shared_ptr<Connection>> open_connection() {
        asio::steady_timer deadline(strand_, options_.connect_timeout);
        deadline.async_wait(WaitTask([self = shared_from_this()](asio::error_code error) {
            if (!error) {
                self->attempt_.emit(asio::cancellation_type::terminal);
            }
        }));
        co_return co_await asio::co_spawn(strand_, dialer_.connect(executor_, connection_options_),
                                          asio::bind_cancellation_slot(attempt_.slot(), asio::use_awaitable));
    }

    /// Greets, on the connection's own executor, and lets it be served.
    static asio::awaitable<void> greet(std::shared_ptr<ClientKeeper> self, std::shared_ptr<Connection> connection) {
        peer::Offer offer;
        {
            const peer::HandshakeDeadline deadline(connection, self->options_.connect_timeout);
            co_await connection->write_hello(peer::client_hello(self->options_.client_id, self->peer_->offer()));
            const std::string hello = co_await connection->read_hello();
            offer = peer::read_offer(wire::parse_hello(hello));
        }
        Visit::begin(std::make_shared<Visit>(self, connection), offer);
    }

    /// A connection that is served.
    class Visit final : public peer::Inbox {
     public:
        Visit(std::shared_ptr<ClientKeeper> keeper, std::shared_ptr<Connection> connection)
            : Inbox(keeper->peer_, std::move(connection)), keeper_(std::move(keeper)) {}

     private:
        void on_attached() override {
            asio::post(keeper_->strand_, Task([keeper = keeper_] {
                           keeper->greeted_ = true;
                           keeper->changed_.cancel();
                           keeper->hooks_.log(LogLevel::info,
                                              [&] { return "connected to " + keeper->dialer_.address(); });
                           keeper->hooks_.call(keeper->options_.on_connect);
                       }));
        }

        void on_detached(const Error& why) override {
            asio::post(keeper_->strand_, Task([keeper = keeper_, why] {
                           keeper->ending_ = why;
                           keeper->changed_.cancel();
                       }));
        }

        const std::shared_ptr<ClientKeeper> keeper_;
    };

    std::string why_not_connected() const {
        const std::string where = "no connection to " + dialer_.address();
        const Error last = last_error();
        return last.code ? where + ": " + last.text() : where;
    }

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    Dialer dialer_;
    std::shared_ptr<peer::Handlers> handlers_;
    ClientOptions options_;
    Hooks hooks_;
    const ConnectionOptions connection_options_;
    std::shared_ptr<peer::Peer> peer_;

    asio::steady_timer changed_;  // never expires: cancelled when the state below has changed
    asio::steady_timer retry_;
    asio::cancellation_signal attempt_;
    std::shared_ptr<Connection> current_;
    bool stopped_ = false;
    bool running_ = false;         // `keep_connected` is at work
    bool greeted_ = false;         // the current connection got past its handshake
    std::optional<Error> ending_;  // of the current connection
    std::error_code stop_reason_ = errc::closed;

    mutable std::mutex mutex_;
    Error last_error_;  // guarded by the mutex, set on the strand
};

}  // namespace communica::entities
