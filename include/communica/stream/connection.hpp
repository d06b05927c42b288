// A connection over any Asio stream: a socket, a pipe, TLS.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../wire/handshake.hpp"
#include "liveness_monitor.hpp"
#include "reader.hpp"
#include "traits.hpp"
#include "writer.hpp"

#include <concepts>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <utility>

namespace communica::stream {

/// A connection that carries frames over `Stream`, an Asio stream. It runs on a strand of the stream's executor.
/// `send`, `close` and `abort` are thread-safe.
template <class Stream>
class StreamConnection final : public Connection, public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
    StreamConnection(Stream stream, Credentials credentials, const ConnectionOptions& options)
        : stream_(std::move(stream)),
          strand_(stream_.get_executor()),
          credentials_(std::move(credentials)),
          counters_(options.counters),
          liveness_(options.limits),
          timer_(strand_.executor()),
          reader_(*this, stream_, options),
          writer_(*this, stream_, options, stream::passes_descriptors(stream_)) {}

    asio::any_io_executor get_executor() const override { return strand_.executor(); }
    const Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return binding_of(stream_); }

    /// Runs the stream's own handshake once. The hello functions call it unless it was called before.
    asio::awaitable<void> open()
        requires HasHandshake<Stream>
    {
        if (!std::exchange(opened_, true)) {
            co_await stream_.handshake();
            if constexpr (KnowsSubject<Stream>) {
                credentials_.subject = stream_.subject();
            }
        }
    }

    asio::awaitable<std::string> read_hello() override {
        const auto self = this->shared_from_this();
        if constexpr (HasHandshake<Stream>) {
            co_await open();
        }
        for (;;) {
            if (auto hello = wire::take_hello(reader_.buffer())) {
                co_return *std::move(hello);
            }
            const auto [error, count] = co_await reader_.read_some();
            if (error) {
                const Error why = wire::refusal_or(reader_.buffer().unread(), error.message());
                throw std::system_error(is_about_identity(error) ? errc::authentication_failed : why.code, why.message);
            }
        }
    }

    asio::awaitable<void> write_hello(std::string json) override {
        const auto self = this->shared_from_this();
        if constexpr (HasHandshake<Stream>) {
            co_await open();
        }
        co_await write_all(wire::frame_hello(json));
    }

    asio::awaitable<void> refuse(Error why) override {
        const auto self = this->shared_from_this();
        co_await write_all(wire::frame_refusal(why.message, why.code));
        shutdown_send();
        // Closing with unread bytes resets the connection and may lose the refusal: drain up to `max_hello` bytes.
        reader_.buffer().release();
        for (std::size_t drained = 0; drained < wire::max_hello;) {
            const auto [error, count] = co_await reader_.read_some();
            if (error) {
                break;
            }
            reader_.buffer().release();
            drained += count;
        }
        shut();
    }

    void start(std::shared_ptr<Receiver> receiver) override {
        if (reader_.buffer().unread().empty()) {
            reader_.buffer().release();  // a hello is larger than many a message
        }
        watch();
        receiver_ = receiver.get();
        kept_ = std::shared_ptr<StreamConnection>(receiver, this);
        state_ = State::open;
        if constexpr (LendsMemory<Stream>) {
            begin_lending();
        }
        if (writer_.is_closing()) {  // closed before `start`
            return on_read_failed(asio::error::operation_aborted);
        }
        reader_.start(*receiver);
    }

    Buffer lend(std::size_t size) override {
        auto lent = lend_from(stream_, size);
        return lent ? *std::move(lent) : Connection::lend(size);
    }

    void start_pings() override { liveness_.start_pings(); }

    bool passes_descriptors() const override { return stream::passes_descriptors(stream_); }
    bool send(SendClass send_class, std::string_view metadata, Buffer& body) override {
        return writer_.send(send_class, metadata, body);
    }
    void write_gathered() noexcept override { writer_.write_gathered(); }
    bool has_undelivered() override {
        return state_ == State::open && !writer_.is_closing() && reader_.has_undelivered();
    }
    std::size_t unread_answers() const override { return writer_.unread_answers(); }
    std::size_t unwritten_requests() const override { return writer_.unwritten_requests(); }
    std::vector<UnsentMessage> take_unsent() override { return writer_.take_unsent(); }

    void close(std::chrono::steady_clock::duration patience) override {
        // Posted, so that the response of the running handler is still sent.
        asio::post(strand_.executor(),
                   base::Task([self = this->shared_from_this(), patience] { self->begin_close(patience); }));
    }

    void abort() override {
        asio::dispatch(strand_.executor(), base::Task([self = this->shared_from_this()] {
                           self->writer_.close();
                           self->reader_.stop();
                           self->shut();
                       }));
    }

 private:
    /// `open` from `start` on. `ended`: reading has ended, and the receiver is told once the last write has. `reported`: it has been.
    enum class State : unsigned char { handshake, open, ended, reported };

    using In = Reader<Stream, StreamConnection>;
    using Out = Writer<Stream, StreamConnection>;
    friend In;
    friend Out;

    asio::awaitable<void> write_all(std::string bytes) {
        const auto self = this->shared_from_this();
        throw_error(co_await asio::async_write(stream_, asio::buffer(bytes), no_throw));
        if (counters_) {
            Counters::add(counters_->bytes_sent, bytes.size());
        }
    }

    // ---- the interface for reader and writer

    const base::Strand& strand() const noexcept { return strand_; }
    /// Keeps this connection alive, and the receiver as long as it exists.
    std::shared_ptr<StreamConnection> kept() {
        auto kept = kept_.lock();
        return kept ? std::move(kept) : this->shared_from_this();
    }
    Out& writer() noexcept { return writer_; }
    bool gathers() const noexcept { return Gathering::holds(*this); }

    void begin_lending() {
        if (const auto& segments = stream_.segments()) {
            writer_.use_queue([&](auto& queue) { queue.set_lender(segments.get()); });
            // Posted, because memory is given back under locks, this connection's included.
            segments->on_news([weak = this->weak_from_this()] {
                if (const auto self = weak.lock()) {
                    asio::post(self->strand_.executor(), base::Task([self] { self->tell_about_memory(); }));
                }
            });
        }
    }

    /// Tells the peer of memory that is given back, or not used any more.
    void tell_about_memory() {
        if (const auto& segments = stream_.segments()) {
            if (const std::string frames = segments->take_notices(); !frames.empty()) {
                writer_.send_frame(SendClass::rejection, frames);  // a peer that does not read them is cut off
            }
        }
    }

    void note_activity() { liveness_.note_activity(); }
    void on_read_failed(asio::error_code error) noexcept {
        on_read_end([&] {
            return reader_.is_refused() ? wire::refusal_or(reader_.buffer().unread(), error.message())
                                        : ending_for(error);
        });
    }
    void on_read_end(Error why) noexcept {
        on_read_end([&] { return std::move(why); });
    }
    /// If the text of the error can't be allocated, the connection ends with `connection_lost`; if `post` fails, it
    /// ends in this call.
    template <std::invocable Why>
    // NOLINTNEXTLINE(bugprone-exception-escape): its owner exists, so `kept` does not throw
    void on_read_end(Why why) noexcept {
        try {
            if (!reason_) {
                reason_ = std::make_unique<Error>(why());
            }
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
        const auto self = kept();
        try {
            asio::post(strand_.executor(), base::Task([self] { self->end(); }));
        } catch (...) {
            try {
                end();
            } catch (...) {  // NOLINT(bugprone-empty-catch): nothing is left to tell the owner with
            }
        }
    }

    void on_progress() { liveness_.on_written(); }
    void on_room() {
        if (state_ == State::open) {
            receiver_->on_room();
        }
    }
    void on_write_done(asio::error_code error, bool was_last) {
        if (error) {
            shut();
        } else if (was_last) {
            shutdown_send();
        }
        if (state_ == State::ended) {
            base::post_or_again(strand_.executor(), [self = kept()] { self->tell_end(); });
        }
    }
    void on_refusals_unread() { give_up({errc::slow_peer, "it does not read what it is refused with"}); }

    /// Arms the timer for the next liveness check.
    void watch() {
        timer_.expires_after(liveness_.period());
        timer_.async_wait(base::WaitTask([self = this->shared_from_this()](asio::error_code error) {
            if (!error && !self->writer_.is_closing()) {
                const bool is_overdue =
                    self->writer_.use_queue([](auto& queue) { return queue.is_permission_overdue(); });
                self->act_on(self->liveness_.tick(self->writer_.is_writing(), is_overdue));
            }
        }));
    }

    void act_on(LivenessMonitor::Health verdict) {
        reader_.give_back_memory();
        if constexpr (GivesBackMemory<Stream>) {
            writer_.exclude_writes([this] { stream_.give_back_memory(); });
        }
        if constexpr (LendsMemory<Stream>) {
            tell_about_memory();
        }
        writer_.flush_left();
        switch (verdict) {
            case LivenessMonitor::Health::silent:
                return give_up({errc::connection_lost, "the other side gives no sign of life"});
            case LivenessMonitor::Health::slow:
                return give_up({errc::slow_peer, "it does not read what is sent to it"});
            case LivenessMonitor::Health::ping: writer_.send_frame(SendClass::rejection, wire::ping_frame); break;
            case LivenessMonitor::Health::pong: writer_.send_frame(SendClass::rejection, wire::pong_frame); break;
            case LivenessMonitor::Health::fine: break;
        }
        watch();
    }

    void give_up(Error why) {
        const auto self = kept();
        shut();
        if (!reason_) {
            reason_ = std::make_unique<Error>(std::move(why));
        }
    }

    void begin_close(std::chrono::steady_clock::duration patience) {
        if (state_ != State::open) {  // before `start` and after the end no goodbye is sent
            writer_.close();
            return shut();
        }
        if (!writer_.close_with(wire::close_notify)) {
            return;
        }
        try {
            shut_after(patience);
        } catch (const std::bad_alloc&) {  // without a timer nothing would end the wait
            shut();
        }
    }

    static bool is_about_identity([[maybe_unused]] const asio::error_code& error) {
        if constexpr (KnowsIdentityErrors<Stream>) {
            return Stream::is_about_identity(error);
        } else {
            return false;
        }
    }

    Error ending_for(asio::error_code error) {
        return writer_.is_closing() ? Error{errc::closed} : Error{errc::connection_lost, error.message()};
    }

    void shutdown_send() {
        if constexpr (HasShutdownSend<Stream>) {
            writer_.exclude_writes([this] {
                asio::error_code ignored;
                stream_.shutdown(Stream::shutdown_send, ignored);
            });
        } else if constexpr (HasAsyncShutdownSend<Stream>) {
            if (!std::exchange(shutdown_begun_, true)) {
                auto done = [self = this->shared_from_this()](asio::error_code, std::size_t) {};
                stream_.async_shutdown_send(asio::bind_executor(strand_.executor(), std::move(done)));
            }
        } else {
            shut();
        }
    }

    /// Called when reading has ended.
    void end() {
        if constexpr (HasAsyncShutdown<Stream>) {
            if (reason_ && reason_->code == errc::closed) {
                return end_in_order();
            }
        }
        stop();
    }

    /// The peer has said goodbye: completes the stream's own shutdown, within a second, unless a write is pending.
    void end_in_order() {
        writer_.close();
        if (writer_.is_writing() || std::exchange(shutdown_begun_, true)) {
            return stop();
        }
        shut_after(std::chrono::seconds{1});
        stream_.async_shutdown(
            asio::bind_executor(strand_.executor(), [self = kept()](asio::error_code) { self->stop(); }));
    }

    void stop() {
        shut();
        writer_.stop();
        state_ = state_ == State::open ? State::ended : state_;
        reader_.stop();
        tell_end();
    }

    /// Tells the receiver of the end, once no write is pending: then it is known how much of the last one was written.
    void tell_end() {
        if (state_ == State::ended && !writer_.is_writing()) {
            state_ = State::reported;
            receiver_->on_end(reason_ ? std::move(*reason_) : Error{errc::connection_lost});
        }
    }

    void shut_after(std::chrono::steady_clock::duration patience) {
        timer_.expires_after(patience);
        timer_.async_wait(base::WaitTask([self = this->shared_from_this()](asio::error_code error) {
            if (!error) {
                self->shut();
            }
        }));
    }

    void shut() {
        timer_.cancel();
        writer_.exclude_writes([this] {
            asio::error_code ignored;
            if constexpr (base::writes_are_whole && HasCancel<Stream>) {
                stream_.cancel(ignored);  // Wine leaves a write pending when its socket closes
            }
            stream_.close(ignored);
        });
    }

    Stream stream_;
    const base::Strand strand_;
    Credentials credentials_;
    std::shared_ptr<Counters> counters_;
    LivenessMonitor liveness_;
    asio::steady_timer timer_;  // for liveness checks, at the end for the patience
    State state_ = State::handshake;
    bool opened_ = false;                   // the stream's own handshake was started
    bool shutdown_begun_ = false;           // the stream's own shutdown
    Receiver* receiver_ = nullptr;          // from `start` on
    std::weak_ptr<StreamConnection> kept_;  // this, with the receiver's ownership
    std::unique_ptr<Error> reason_;         // of the end: the first that was known
    In reader_;
    Out writer_;
};

}  // namespace communica::stream
