// A connection over any Asio stream: a socket, a pipe, TLS.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame_reader.hpp"
#include "../wire/handshake.hpp"
#include "traits.hpp"
#include "watch.hpp"
#include "writer.hpp"

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace communica::stream {

/// Frames over `Stream`, an Asio stream whose executor is a strand of its own. One read yields as many frames as came;
/// what is sent while they are handled goes out in one write behind them. `send`, `close` and `abort` are thread-safe.
template <class Stream>
class StreamConnection final : public Connection, public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
    /// After so many messages the other connections of the same thread get their turn. While one floods the server, 32
    /// make the others wait 40 us longer than alone, 16 make it 28 (64 B, optimised), and 256 some ten times as long.
    static constexpr int turn_length = 32;
    /// What many turns in a row made us send goes out together after so many.
    static constexpr int turns_a_write = 8;

    StreamConnection(Stream stream, Credentials credentials, const ConnectionOptions& options)
        : stream_(std::move(stream)),
          credentials_(std::move(credentials)),
          reader_(options.limits, options.budget),
          chunks_(options.limits, options.budget),
          counters_(options.counters),
          watch_(options.limits),
          timer_(stream_.get_executor()),
          writer_(*this, stream_, options) {}

    asio::any_io_executor get_executor() const override { return executor_of(const_cast<Stream&>(stream_)); }
    const Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return binding_of(stream_); }

    asio::awaitable<std::string> read_hello() override {
        const auto self = this->shared_from_this();
        if constexpr (HasHandshake<Stream>) {
            co_await open();
        }
        for (;;) {
            if (auto hello = wire::take_hello(reader_.buffer())) {
                co_return *std::move(hello);
            }
            const auto [error, count] = co_await read_some();
            if (error) {
                const Error why = refusal_or(error.message());
                throw std::system_error(why.code, why.message);
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
        receiver_ = &receiver;
        watch();
        try {
            ending = co_await read_messages(receiver);
        } catch (...) {
            ending = Error::from(std::current_exception());
        }
        if constexpr (HasAsyncShutdown<Stream>) {
            if (ending.code == errc::closed) {
                co_await end_in_order();
            }
        }
        shut();
        receiver_ = nullptr;
        write_done_.emplace(stream_.get_executor(), asio::steady_timer::time_point::max());
        while (writer_.is_writing()) {  // only then is it known how much of the write went out
            co_await write_done_->async_wait(no_throw);
        }
        co_return ending;
    }

    void start_pings() override { watch_.start_pings(); }

    bool send(Purpose purpose, std::string_view metadata, Buffer& body) override {
        return writer_.send(purpose, metadata, body);
    }
    std::size_t unread_answers() const override { return writer_.unread_answers(); }
    std::vector<UnsentMessage> take_unsent() override { return writer_.take_unsent(); }

    void close(std::chrono::steady_clock::duration patience) override {
        // Posted: what the handler that is at work now answers still goes out before.
        asio::post(stream_.get_executor(),
                   Task([self = this->shared_from_this(), patience] { self->begin_close(patience); }));
    }

    void abort() override {
        asio::dispatch(stream_.get_executor(), Task([self = this->shared_from_this()] {
                           self->writer_.close();
                           self->shut();
                       }));
    }

 private:
    using Out = Writer<Stream, StreamConnection>;
    friend Out;

    asio::awaitable<void> open() {
        if (!std::exchange(opened_, true)) {
            co_await stream_.handshake();
            credentials_.subject = stream_.subject();
        }
    }

    asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some() {
        const auto room = reader_.prepare();
        const auto [error, count] = co_await stream_.async_read_some(asio::buffer(room.data(), room.size()), no_throw);
        commit(count);
        co_return std::tuple{error, count};
    }
    void commit(std::size_t count) {
        reader_.commit(count);
        if (counters_) {
            Counters::add(counters_->bytes_received, count);
        }
    }

    asio::awaitable<void> write_all(std::string bytes) {
        const auto self = this->shared_from_this();
        co_await asio::async_write(stream_, asio::buffer(bytes), asio::use_awaitable);
        if (counters_) {
            Counters::add(counters_->bytes_sent, bytes.size());
        }
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
            chunks_.shrink();
            if (reader_.has_large_buffer()) {
                co_await wait_with_large_buffer();
            } else {
                reader_.shrink();
            }
            const std::span<char> prepared = reader_.prepare();
            const asio::mutable_buffer room(prepared.data(), prepared.size());
            const auto [error, count] = co_await stream_.async_read_some(room, no_throw);
            if (error) {
                co_return ending_for(error);
            }
            if constexpr (HasReadOn<Stream>) {
                commit(count + stream_.read_on(room + count));
            } else {
                commit(count);
            }
            watch_.on_read();
        }
    }

    /// The memory of a large message is kept for the next one (a system call and a page fault for every 4 KiB less), but
    /// not where nothing comes: the watch gives it back then, so no read may be waiting with it.
    asio::awaitable<void> wait_with_large_buffer() {
        if constexpr (HasAsyncWait<Stream>) {
            if (!reader_.is_tight()) {
                waits_with_large_buffer_ = true;
                co_await stream_.async_wait(Stream::wait_read, no_throw);
                waits_with_large_buffer_ = false;
                co_return;
            }
        }
        reader_.shrink();
    }

    enum class Turn { read_on, over, closed };

    /// Hands out the messages that are there, then sends what they made us send.
    Turn take_turn(Receiver& receiver) {
        struct Scope {
            explicit Scope(Out& w) : writer(w) { writer.begin_turn(); }
            ~Scope() {  // NOLINT(bugprone-exception-escape): without memory there is no way on
                if (!goes_on) {
                    writer.end_turn();
                }
            }
            Out& writer;
            bool goes_on = false;
        } scope(writer_);

        wire::Frame frame;
        for (int handled = 0; handled != turn_length; ++handled) {
            if (!reader_.next(frame)) {
                return Turn::read_on;
            }
            if (frame.kind == wire::Frame::Kind::chunk && !chunks_.add(frame)) {
                continue;
            }
            switch (frame.kind) {
                case wire::Frame::Kind::close: return Turn::closed;
                case wire::Frame::Kind::ping: writer_.send_frame(Purpose::refuse, wire::pong_frame); break;
                case wire::Frame::Kind::discarded: receiver.on_discarded(frame.metadata, frame.why); break;
                case wire::Frame::Kind::message: receiver.on_message({frame.metadata, as_bytes(frame.body)}); break;
                case wire::Frame::Kind::chunk:
                case wire::Frame::Kind::pong: break;
            }
        }
        scope.goes_on = ++turns_ % turns_a_write != 0;
        return Turn::over;
    }

    // ---- what the writer tells

    void on_progress() { watch_.on_written(); }
    void on_room() {
        if (receiver_ != nullptr) {
            receiver_->on_room();
        }
    }
    void on_write_done(asio::error_code error, bool was_last) {
        if (error) {
            shut();
        } else if (was_last) {
            shutdown_send();
        }
        if (write_done_) {
            write_done_->cancel();
        }
    }
    void on_refusals_unread() { give_up({errc::slow_peer, "it does not read what it is refused with"}); }

    /// Looks, from now on, every so often whether the other side is alive, and reads.
    void watch() {
        timer_.expires_after(watch_.period());
        timer_.async_wait(WaitTask([self = this->shared_from_this()](asio::error_code error) {
            if (!error && !self->writer_.is_closing()) {
                self->act_on(self->watch_.tick(self->writer_.is_writing()));
            }
        }));
    }

    void act_on(Watch::Verdict verdict) {
        if (waits_with_large_buffer_) {
            reader_.shrink();
        }
        switch (verdict) {
            case Watch::Verdict::silent:
                return give_up({errc::connection_lost, "the other side gives no sign of life"});
            case Watch::Verdict::slow: return give_up({errc::slow_peer, "it does not read what is sent to it"});
            case Watch::Verdict::ping: writer_.send_frame(Purpose::refuse, wire::ping_frame); break;
            case Watch::Verdict::fine: break;
        }
        watch();
    }

    void give_up(Error why) {
        given_up_ = std::move(why);
        shut();
    }

    void begin_close(std::chrono::steady_clock::duration patience) {
        if (receiver_ == nullptr) {  // in the handshake there is nothing to say goodbye to
            writer_.close();
            return shut();
        }
        if (!writer_.close_with(wire::close_notify)) {
            return;
        }
        shut_after(patience);
    }

    asio::awaitable<Error> read_refusal() {
        for (;;) {
            const auto [error, count] = co_await read_some();
            if (error) {
                co_return refusal_or(error.message());
            }
            if (reader_.buffer().unread().size() > wire::max_hello) {
                co_return Error{errc::handshake_failed, "a refusal over 64 KiB"};
            }
        }
    }

    Error refusal_or(std::string otherwise) {
        if (const auto refusal = wire::read_refusal(reader_.buffer().unread())) {
            return {refusal->code, "refused: " + refusal->message};
        }
        return {errc::handshake_failed, std::move(otherwise)};
    }

    Error ending_for(asio::error_code error) {
        if (given_up_) {
            return *given_up_;
        }
        return writer_.is_closing() ? Error{errc::closed} : Error{errc::connection_lost, error.message()};
    }

    void shutdown_send() {
        if constexpr (HasShutdownSend<Stream>) {
            asio::error_code ignored;
            stream_.shutdown(Stream::shutdown_send, ignored);
        } else if constexpr (HasAsyncShutdown<Stream>) {
            if (!std::exchange(ended_, true)) {
                stream_.async_shutdown([self = this->shared_from_this()](asio::error_code) {});
            }
        } else {
            shut();
        }
    }

    /// The other side has said goodbye: answers in the stream's own way, unless a write that nobody reads is in between.
    asio::awaitable<void> end_in_order() {
        writer_.close();
        if (writer_.is_writing() || std::exchange(ended_, true)) {
            co_return;
        }
        shut_after(std::chrono::seconds{1});
        co_await stream_.async_shutdown(no_throw);
    }

    void shut_after(std::chrono::steady_clock::duration patience) {
        timer_.expires_after(patience);
        timer_.async_wait(WaitTask([self = this->shared_from_this()](asio::error_code error) {
            if (!error) {
                self->shut();
            }
        }));
    }

    void shut() {
        timer_.cancel();
        asio::error_code ignored;
        if constexpr (writes_are_whole && HasCancel<Stream>) {
            stream_.cancel(ignored);  // Wine leaves a write waiting when its socket closes
        }
        stream_.close(ignored);
    }

    Stream stream_;
    Credentials credentials_;
    wire::FrameReader reader_;
    wire::ChunkAssembler chunks_;
    std::shared_ptr<Counters> counters_;
    Watch watch_;
    asio::steady_timer timer_;  // of the watch, and then of the patience at the end
    bool waits_with_large_buffer_ = false;
    bool opened_ = false;                           // by the stream's own handshake
    bool ended_ = false;                            // in the stream's own way
    unsigned turns_ = 0;                            // that were over with messages left
    Receiver* receiver_ = nullptr;                  // while `run` is at work
    std::optional<asio::steady_timer> write_done_;  // never expires: cancelled to say that a write has ended
    std::optional<Error> given_up_;
    Out writer_;
};

}  // namespace communica::stream
