// A connection over any Asio stream: a socket, a pipe, TLS.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame_reader.hpp"
#include "../wire/handshake.hpp"
#include "write_queue.hpp"

#include <mutex>
#include <utility>

namespace communica::stream {

/// Frames over `Stream`, an Asio stream whose executor is a strand of its own. One read yields as many frames as came;
/// what is sent while they are handled goes out in one write behind them. `send`, `close` and `abort` are thread-safe.
template <class Stream>
class StreamConnection final : public Connection, public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
    /// After so many messages the other connections of the same thread get their turn.
    static constexpr int turn_length = 256;

    StreamConnection(Stream stream, Credentials credentials, const Limits& limits)
        : stream_(std::move(stream)),
          credentials_(credentials),
          reader_(limits),
          chunks_(limits),
          patience_timer_(stream_.get_executor()),
          write_done_(stream_.get_executor(), asio::steady_timer::time_point::max()),
          queue_(limits.max_frame) {}

    asio::any_io_executor get_executor() const override { return executor_of(const_cast<Stream&>(stream_)); }
    const Credentials& credentials() const override { return credentials_; }

    asio::awaitable<std::string> read_hello() override {
        const auto self = this->shared_from_this();
        for (;;) {
            if (auto hello = wire::take_hello(reader_.buffer())) {
                co_return *std::move(hello);
            }
            const auto [error, count] = co_await read_some();
            if (error) {
                throw std::system_error(errc::handshake_failed, refusal_or(error.message()));
            }
        }
    }

    asio::awaitable<void> write_hello(std::string json) override {
        const auto self = this->shared_from_this();
        const std::string hello = wire::frame_hello(json);
        co_await asio::async_write(stream_, asio::buffer(hello), asio::use_awaitable);
    }

    asio::awaitable<void> refuse(std::string reason) override {
        const auto self = this->shared_from_this();
        const std::string refusal = wire::frame_refusal(reason);
        co_await asio::async_write(stream_, asio::buffer(refusal), asio::use_awaitable);
        shutdown_send();
        // Closing with bytes unread would reset the connection, and the refusal might be lost.
        for (std::size_t drained = 0; drained < wire::max_hello;) {
            const auto [error, count] = co_await read_some();
            if (error) {
                break;
            }
            reader_.buffer().consume(count);
            drained += count;
        }
        shut();
    }

    // NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
    asio::awaitable<Error> run(Receiver& receiver) override {
        const auto self = this->shared_from_this();
        Error ending;
        running_ = true;
        try {
            ending = co_await read_messages(receiver);
        } catch (...) {
            ending = Error::from(std::current_exception());
        }
        shut();
        while (is_writing()) {  // only then is it known how much of the write went out
            co_await write_done_.async_wait(no_throw);
        }
        co_return ending;
    }

    bool send(std::string_view metadata, Buffer& body) override {
        {
            const std::lock_guard lock(mutex_);
            if (closing_ || ended_) {
                return false;
            }
            queue_.push(metadata, body);
            if (in_turn_ || writing_ || std::exchange(flush_posted_, true)) {
                return true;
            }
        }
        asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->flush(); });
        return true;
    }

    std::vector<UnsentMessage> take_unsent() override {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        return queue_.take_unsent();
    }

    void close(std::chrono::steady_clock::duration patience) override {
        // Posted: what the handler that is at work now answers still goes out before.
        asio::post(stream_.get_executor(),
                   [self = this->shared_from_this(), patience] { self->begin_close(patience); });
    }

    void abort() override {
        asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] {
            {
                const std::lock_guard lock(self->mutex_);
                self->closing_ = true;
            }
            self->shut();
        });
    }

 private:
    asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some() {
        const auto room = reader_.prepare();
        const auto [error, count] = co_await stream_.async_read_some(asio::buffer(room.data(), room.size()), no_throw);
        reader_.commit(count);
        co_return std::tuple{error, count};
    }

    // NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
    asio::awaitable<Error> read_messages(Receiver& receiver) {
        for (bool first = true;;) {
            if (first && wire::begins_refusal(reader_.buffer().unread())) {
                co_return co_await read_refusal();
            }
            first = first && reader_.buffer().unread().size() < 5;
            const Turn turn = take_turn(receiver);
            if (turn == Turn::closed) {
                co_return Error{errc::closed};
            }
            if (turn == Turn::over) {
                co_await asio::post(stream_.get_executor(), asio::use_awaitable);
                continue;
            }
            reader_.buffer().shrink();
            const auto room = reader_.prepare();
            const auto [error, count] =
                co_await stream_.async_read_some(asio::buffer(room.data(), room.size()), no_throw);
            if (error) {
                co_return ending_for(error);
            }
            reader_.commit(count);
        }
    }

    enum class Turn { read_on, over, closed };

    /// Hands out the messages that are there, then sends what they made us send.
    Turn take_turn(Receiver& receiver) {
        struct Scope {
            explicit Scope(StreamConnection& c) : connection(c) { connection.set_in_turn(true); }
            ~Scope() {  // NOLINT(bugprone-exception-escape): without memory there is no way on
                connection.set_in_turn(false);
                connection.flush();
            }
            StreamConnection& connection;
        } scope(*this);

        wire::Frame frame;
        for (int handled = 0; handled != turn_length; ++handled) {
            if (!reader_.next(frame)) {
                return Turn::read_on;
            }
            if (frame.kind == wire::Frame::Kind::close) {
                return Turn::closed;
            }
            if (frame.kind == wire::Frame::Kind::chunk && !chunks_.add(frame)) {
                continue;
            }
            if (frame.kind == wire::Frame::Kind::oversized) {
                receiver.on_oversized(frame.metadata);
            } else {
                receiver.on_message({frame.metadata, as_bytes(frame.body)});
            }
        }
        return Turn::over;
    }

    bool is_writing() {
        const std::lock_guard lock(mutex_);
        return writing_;
    }

    void set_in_turn(bool in_turn) {
        const std::lock_guard lock(mutex_);
        in_turn_ = in_turn;
    }

    void flush() {
        std::span<const asio::const_buffer> buffers;
        {
            const std::lock_guard lock(mutex_);
            flush_posted_ = false;
            if (writing_ || failed_ || queue_.empty()) {
                return;
            }
            writing_ = true;
            buffers = queue_.begin_write();
        }
        auto written = [self = this->shared_from_this()](asio::error_code error, std::size_t count) {
            self->on_written(error, count);
        };
        if (buffers.size() == 1) {
            asio::async_write(stream_, buffers.front(), std::move(written));
        } else {
            asio::async_write(stream_, buffers, std::move(written));
        }
    }

    void on_written(asio::error_code error, std::size_t count) {
        bool finished = false;
        {
            const std::lock_guard lock(mutex_);
            writing_ = false;
            failed_ = failed_ || error;
            queue_.end_write(count);
            finished = closing_ && queue_.empty();
        }
        write_done_.cancel();
        if (error) {
            shut();
        } else if (finished) {
            shutdown_send();
        } else {
            flush();
        }
    }

    void begin_close(std::chrono::steady_clock::duration patience) {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(closing_, true)) {
                return;
            }
            queue_.push_frame(wire::close_notify);
        }
        if (!running_) {  // in the handshake there is nothing to say goodbye to
            shut();
            return;
        }
        patience_timer_.expires_after(patience);
        patience_timer_.async_wait([self = this->shared_from_this()](asio::error_code error) {
            if (!error) {
                self->shut();
            }
        });
        flush();
    }

    asio::awaitable<Error> read_refusal() {
        for (;;) {
            const auto [error, count] = co_await read_some();
            if (error) {
                co_return Error{errc::handshake_failed, refusal_or(error.message())};
            }
            if (reader_.buffer().unread().size() > wire::max_hello) {
                co_return Error{errc::handshake_failed, "a refusal over 64 KiB"};
            }
        }
    }

    std::string refusal_or(std::string otherwise) {
        if (auto reason = wire::refusal_reason(reader_.buffer().unread())) {
            return "refused: " + *reason;
        }
        return otherwise;
    }

    Error ending_for(asio::error_code error) {
        const std::lock_guard lock(mutex_);
        if (closing_) {
            return {errc::closed};
        }
        return {errc::connection_lost, error.message()};
    }

    // What only some streams have: sockets can be closed in one direction.
    void shutdown_send() {
        if constexpr (requires { stream_.shutdown(Stream::shutdown_send); }) {
            asio::error_code ignored;
            stream_.shutdown(Stream::shutdown_send, ignored);
        } else {
            shut();
        }
    }

    void shut() {
        patience_timer_.cancel();
        asio::error_code ignored;
        stream_.close(ignored);
    }

    Stream stream_;
    Credentials credentials_;
    wire::FrameReader reader_;
    wire::ChunkAssembler chunks_;
    asio::steady_timer patience_timer_;
    bool running_ = false;
    asio::steady_timer write_done_;  // never expires: cancelled to say that a write has ended

    std::mutex mutex_;  // for what follows
    WriteQueue queue_;
    bool in_turn_ = false;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool closing_ = false;
    bool failed_ = false;
    bool ended_ = false;
};

}  // namespace communica::stream
