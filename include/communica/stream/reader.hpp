// The reading half of a connection over a stream.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame_reader.hpp"
#include "../wire/handshake.hpp"
#include "arrived_attachments.hpp"
#include "traits.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

namespace communica::stream {

/// Reads frames on the owner's strand and dispatches messages in turns. One read may bring many frames; messages sent
/// while they are dispatched go out in one write afterwards.
///
/// `Owner` contains the reader. It has `strand()`, `writer()` and `kept()`, and is told by `note_activity()`,
/// `on_read_failed(error_code)` and `on_read_end(Error)`, and over streams that lend memory by `tell_about_memory()`
/// after each turn. A pending read holds the pointer that `kept()` returns.
///
/// Uses handlers instead of a coroutine, and a stream whose executor is the one below the strand: a request at a time
/// costs 11,000 instructions, against 12,800 with `co_await` and `any_io_executor`.
template <class Stream, class Owner>
class Reader {
 public:
    /// After this many messages, other connections of the thread run. While one connection floods the server, 32 adds
    /// 40 us to the latency of the others, 16 adds 28 us, and 256 about ten times as much (64 B, optimised).
    static constexpr int turn_length = 32;
    /// The same limit in bytes: large bodies take long to load.
    static constexpr std::size_t turn_bytes = 64 * 1024;
    /// The longest poll, and the most turns in a row, of a stream that polls without a system call.
    static constexpr std::chrono::microseconds poll_in_place{10};
    static constexpr int turns_in_place = 16;
    /// Messages sent during this many turns in a row go out in one write.
    static constexpr int turns_a_write = 8;

    Reader(Owner& owner, Stream& stream, const ConnectionOptions& options)
        : owner_(owner),
          stream_(stream),
          frames_(options.limits, options.budget),
          chunks_(options.limits, options.budget),
          counters_(options.counters),
          attached_(options),
          spin_(std::min<Clock::duration>(options.busy_poll, std::chrono::hours{24})),
          adaptive_(options.adaptive_poll) {}  // 24 hours at most, so that time points do not overflow

    /// Bytes received and not used yet.
    wire::ReadBuffer& buffer() noexcept { return frames_.buffer(); }

    /// Reads once, into the buffer. Only before `start`.
    asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some() {
        const auto [error, count] = co_await stream_.async_read_some(room(), no_throw);
        commit(count);
        co_return std::tuple{error, count};
    }

    /// Reads and dispatches messages until the end. The owner exists until it is told of the end.
    void start(Receiver& receiver) {
        receiver_ = &receiver;
        if constexpr (LendsMemory<Stream>) {
            if (stream_.segments()) {
                frames_.accept_lent();
            }
        }
        if (!buffer().unread().empty()) {
            on_bytes();
        }
        process_buffered();
    }

    /// Dispatches nothing from now on, not even messages in the buffer. The next dispatch reports `operation_aborted`
    /// to the owner instead.
    void stop() noexcept { receiver_ = nullptr; }

    /// Did a refusal arrive in place of the first frame? It is complete when the stream ends.
    bool is_refused() noexcept { return !is_begun_ && wire::begins_refusal(buffer().unread()); }

    /// Are there messages, or parts of one, that have arrived and are not dispatched? True while it does not wait for more.
    bool has_undelivered() {
        if (!waits_ && !waits_with_large_buffer_ && !polls_) {
            return true;
        }
        if constexpr (ReadsInMemory<Stream>) {
            return stream_.poll({});
        } else if constexpr (HasAvailable<Stream>) {
            asio::error_code ignored;
            return stream_.available(ignored) != 0;
        } else {
            return false;
        }
    }

    /// Called while the connection is idle: frees the buffer that is kept for the next large message.
    void give_back_memory() {
        if (waits_with_large_buffer_) {
            frames_.shrink();
        }
    }

 private:
    using Clock = std::chrono::steady_clock;

    /// Completes a read; also posted to continue with buffered bytes.
    struct ReadHandler {
        using executor_type = base::StrandExecutor;
        executor_type get_executor() const noexcept { return base::StrandExecutor(owner->strand()); }

        void operator()(asio::error_code error, std::size_t count) const { self->handle_read(error, count); }
        void operator()(asio::error_code error) const { self->handle_ready(error); }
        void operator()() const { self->process_buffered(); }

        Reader* self;
        std::shared_ptr<Owner> owner;
    };
    ReadHandler make_read_handler() { return {this, owner_.kept()}; }

    void handle_read(asio::error_code error, std::size_t count) {
        waits_ = false;
        if (error) {
            return owner_.on_read_failed(error);
        }
        if constexpr (HasReadPending<Stream>) {
            count += stream_.read_pending(room_ + count);
        }
        commit(count);
        on_bytes();
        process_buffered();
    }

    void on_bytes() {
        owner_.note_activity();
        if (spin_ != Clock::duration::zero()) {
            const auto now = Clock::now();
            const bool comes_soon = !adaptive_ || now - std::exchange(last_bytes_, now) < spin_;
            poll_until_ = comes_soon ? now + spin_ : now;
        }
    }

    /// Dispatches buffered messages, flushes the replies, and reads again.
    void process_buffered() {
        if (receiver_ == nullptr) {
            return owner_.on_read_failed(asio::error::operation_aborted);
        }
        end_if_it_throws([this] { is_begun_ || begins() ? take_turn_and_read() : begin_read(); });
    }

    /// Is the buffer's start a frame, and not a refusal?
    bool begins() {
        if (is_refused()) {
            if (buffer().unread().size() > wire::max_hello) {
                throw MessageError(errc::handshake_failed, "a refusal over 64 KiB", {});
            }
            return false;
        }
        is_begun_ = !wire::may_begin_refusal(buffer().unread());
        return is_begun_;
    }

    template <class Step>
    void end_if_it_throws(Step step) {
        try {
            step();
        } catch (...) {
            owner_.on_read_end(Error::from(std::current_exception()));
        }
    }

    void take_turn_and_read() {
        int turns = 0;
        do {
            switch (take_turn()) {
                case Turn::over: return asio::post(stream_.get_executor(), make_read_handler());
                case Turn::closed: return owner_.on_read_end({errc::closed});
                case Turn::stopped: return owner_.on_read_failed(asio::error::operation_aborted);
                case Turn::read_more: chunks_.shrink();
            }
            if (read_error_) {
                return owner_.on_read_failed(read_error_);
            }
        } while (++turns != turns_in_place && receiver_ != nullptr && comes_at_once());
        if (frames_.has_large_buffer() ? !waits_with_large_buffer() : !polls_on()) {
            frames_.shrink();
            begin_read();
        }
    }

    void begin_read() {
        room_ = room();
        waits_ = true;
        if constexpr (PassesDescriptors<Stream>) {
            if (stream_.expects_descriptors()) [[unlikely]] {
                return stream_.async_wait(Stream::wait_read, make_read_handler());
            }
        }
        stream_.async_read_some(room_, make_read_handler());
    }

    /// Reads while descriptors are expected, which Asio's own reads would drop.
    void handle_ready(asio::error_code error) {
        const std::size_t count = error ? 0 : stream_.read_some(room_, error);
        error == asio::error::would_block ? end_if_it_throws([this] { begin_read(); }) : handle_read(error, count);
    }

    /// Polls in memory for a moment. This costs less than a round of the event loop.
    bool comes_at_once() {
        if constexpr (ReadsInMemory<Stream>) {
            return spin_ != Clock::duration::zero() && Clock::now() < poll_until_ && stream_.poll(poll_in_place);
        }
        return false;
    }

    /// Posts itself to the event loop instead of waiting, while the busy-poll period lasts.
    bool polls_on() {
        if constexpr (IsNonBlocking<Stream>) {
            if (spin_ != Clock::duration::zero() && Clock::now() < poll_until_) {
                polls_ = true;
                asio::post(stream_.get_executor(), make_read_handler());
                return true;
            }
        }
        return false;
    }

    /// Keeps the memory of a large message for the next one, which saves a system call and a page fault per 4 KiB.
    /// Waits for readability instead of reading into the buffer, so that `give_back_memory` can free it.
    bool waits_with_large_buffer() {
        if constexpr (HasAsyncWait<Stream>) {
            if (!frames_.is_under_pressure()) {
                waits_with_large_buffer_ = true;
                auto ready = [this, owner = owner_.kept()](asio::error_code) {
                    waits_with_large_buffer_ = false;
                    end_if_it_throws([this] { begin_read(); });
                };
                stream_.async_wait(Stream::wait_read,
                                   asio::bind_executor(owner_.strand().executor(), std::move(ready)));
                return true;
            }
        }
        return false;
    }

    enum class Turn { read_more, over, closed, stopped };

    /// Dispatches the buffered messages, then flushes the replies.
    Turn take_turn() {
        struct Scope {
            Scope(Owner& o, Receiver& r, bool polls_in_place) : owner(o), receiver(r) {
                if (polls_in_place) {
                    work.emplace();
                }
                owner.writer().begin_turn();
                receiver.begin_turn();
            }
            ~Scope() {  // NOLINT(bugprone-exception-escape): out of memory: terminating is all that is left
                receiver.end_turn();
                work.reset();
                if constexpr (LendsMemory<Stream>) {
                    owner.tell_about_memory();
                }
                if (!goes_on) {
                    owner.writer().end_turn();
                }
            }
            Owner& owner;
            Receiver& receiver;
            std::optional<base::TurnScope> work;  // what the turn leaves does not wait until the polling ends
            bool goes_on = false;
        } scope(owner_, *receiver_, ReadsInMemory<Stream> && spin_ != Clock::duration::zero());

        wire::Frame frame;
        std::size_t bytes = 0;
        for (int handled = 0; handled != turn_length && bytes < turn_bytes; ++handled) {
            if (receiver_ == nullptr) {
                return Turn::stopped;
            }
            if (!frames_.next(frame)) {
                if (!read_now()) {
                    return Turn::read_more;
                }
                continue;
            }
            bytes += frame.body_size;
            if (frame.kind == wire::Frame::Kind::chunk && !attached_.add_chunk(chunks_, frame)) {
                continue;
            }
            switch (frame.kind) {
                case wire::Frame::Kind::close: return Turn::closed;
                case wire::Frame::Kind::ping: owner_.writer().send_frame(SendClass::rejection, wire::pong_frame); break;
                case wire::Frame::Kind::discarded:
                    attached_.close();
                    receiver_->on_discarded(frame.metadata, frame.why);
                    break;
                case wire::Frame::Kind::message:
                    attached_.has_next() ? hand_out_attached(frame) : hand_out(frame);
                    break;
                case wire::Frame::Kind::chunk:
                case wire::Frame::Kind::pong: break;
                case wire::Frame::Kind::lent:
                case wire::Frame::Kind::returned:
                case wire::Frame::Kind::retired: on_lent(frame); break;
                default: attached_.on_frame(frame, stream_, owner_.writer()); break;
            }
        }
        scope.goes_on = ++turns_ % turns_a_write != 0;
        return Turn::over;
    }

    [[gnu::always_inline]] void hand_out(const wire::Frame& frame) {
        Buffer* const memory = frames_.memory_of(frame);
        if (memory == nullptr) {
            receiver_->on_message({frame.metadata, as_bytes(frame.body)});
        } else {
            Buffer metadata;  // keeps the metadata when the receiver takes the buffer
            metadata.append(frame.metadata);
            receiver_->on_message({metadata.text(), as_bytes(frame.body), false, memory});
            frames_.forget_taken();
        }
    }
    [[gnu::noinline]] void hand_out_attached(const wire::Frame& frame) {
        const auto attachments = attached_.take();  // those that its value does not take are closed
        const base::LoadingFrom own(attachments.get());
        hand_out(frame);
    }

    /// A message whose body lies in lent memory, or a notice about such memory.
    [[gnu::noinline]] void on_lent([[maybe_unused]] const wire::Frame& frame) {
        if constexpr (LendsMemory<Stream>) {
            auto& segments = stream_.segments_with(frame.index);
            if (frame.kind != wire::Frame::Kind::lent) {
                return segments.on_notice(frame.kind, frame.index);
            }
            if (attached_.has_next()) {
                throw std::system_error(errc::protocol_error, "descriptors of a body in lent memory");
            }
            Buffer body = segments.take(frame.index, frame.total, frame.body_size);
            frame.why != errc{} ? receiver_->on_discarded(frame.metadata, frame.why)
                                : receiver_->on_message({frame.metadata, body.bytes(), false, &body});
        }
    }

    /// Reads without waiting: after a read that filled the buffer, so that one write answers both, and while polling.
    bool read_now() {
        if constexpr (IsNonBlocking<Stream>) {
            if (std::exchange(polls_, false) || ReadsInMemory<Stream> || buffer().is_filled()) {
                if (const std::size_t count = stream_.read_some(room(), read_error_); count != 0) {
                    commit(count);
                    on_bytes();
                    return true;
                }
                if (read_error_ == asio::error::would_block || read_error_ == asio::error::interrupted) {
                    read_error_.clear();
                }
            }
        }
        return false;
    }

    asio::mutable_buffer room() {
        const std::span<char> prepared = frames_.prepare();
        return {prepared.data(), prepared.size()};
    }

    void commit(std::size_t count) {
        frames_.commit(count);
        if (counters_) {
            Counters::add(counters_->bytes_received, count);
        }
    }

    Owner& owner_;
    Stream& stream_;
    wire::FrameReader frames_;
    wire::ChunkAssembler chunks_;
    const std::shared_ptr<Counters> counters_;
    ArrivedAttachments attached_;
    const Clock::duration spin_;
    const bool adaptive_;
    Clock::time_point last_bytes_ = {};
    Clock::time_point poll_until_ = {};
    Receiver* receiver_ = nullptr;
    asio::mutable_buffer room_;    // of the pending read
    asio::error_code read_error_;  // of a synchronous read: reported after the buffered messages
    unsigned turns_ = 0;           // turns that ended with messages left
    bool is_begun_ = false;        // the first frame has begun, so there is no refusal
    bool waits_ = false;           // a read is pending
    bool polls_ = false;
    bool waits_with_large_buffer_ = false;
};

}  // namespace communica::stream
