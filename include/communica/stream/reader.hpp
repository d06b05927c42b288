// The reading half of a connection over a stream.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame_reader.hpp"
#include "../wire/handshake.hpp"
#include "traits.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

namespace communica::stream {

/// Reads on the owner's strand, and hands out messages turn by turn. One read yields as many frames as came; what is sent
/// while they are handed out goes out in one write behind them.
///
/// `Owner` is what it is a part of. It has a `strand()` and a `writer()`, and is told of what comes
/// in: `note_activity()`, `on_read_failed(error_code)`, and `on_read_end(Error)`. What waits keeps alive what its `kept()` says.
///
/// By handlers instead of a coroutine, and on a stream whose executor is the one below the strand: one request at a time
/// takes 11,000 instructions so, and 12,800 through `co_await` and any_io_executors.
template <class Stream, class Owner>
class Reader {
 public:
    /// After so many messages the other connections of the same thread get their turn. While one floods the server, 32
    /// make the others wait 40 us longer than alone, 16 make it 28 (64 B, optimised), and 256 some ten times as long.
    static constexpr int turn_length = 32;
    /// The same after so many bytes: large bodies take long to load.
    static constexpr std::size_t turn_bytes = 64 * 1024;
    /// Where polling takes no system call, the others wait for so long at the most, and for so many turns.
    static constexpr std::chrono::microseconds poll_in_place{10};
    static constexpr int turns_in_place = 16;
    /// What many turns in a row made us send goes out together after so many.
    static constexpr int turns_a_write = 8;

    Reader(Owner& owner, Stream& stream, const ConnectionOptions& options)
        : owner_(owner),
          stream_(stream),
          frames_(options.limits, options.budget),
          chunks_(options.limits, options.budget),
          counters_(options.counters),
          spin_(std::min<Clock::duration>(options.busy_poll, std::chrono::hours{24})) {
    }  // so that times do not overflow

    /// What has come and was not used yet.
    wire::ReadBuffer& buffer() noexcept { return frames_.buffer(); }

    /// Before `start`: reads once, into the buffer.
    asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some() {
        const auto [error, count] = co_await stream_.async_read_some(room(), no_throw);
        commit(count);
        co_return std::tuple{error, count};
    }

    /// Reads and hands out messages from now on, until the end. The owner stays alive until it is told of that.
    void start(Receiver& receiver) {
        receiver_ = &receiver;
        if (!buffer().unread().empty()) {
            on_bytes();
        }
        process_buffered();
    }

    /// From now on nothing is handed out, also of what has come already. What would have been handed out next tells the
    /// owner instead that reading has failed.
    void stop() noexcept { receiver_ = nullptr; }

    /// Has a refusal come in the place of the first frame? It is whole when the stream ends.
    bool is_refused() noexcept { return !is_begun_ && wire::begins_refusal(buffer().unread()); }

    /// Nothing comes: gives back memory that is kept for the next large message.
    void give_back_memory() {
        if (waits_with_large_buffer_) {
            frames_.shrink();
        }
    }

 private:
    using Clock = std::chrono::steady_clock;

    /// What a read completes with, and what is posted to go on with what has come.
    struct ReadHandler {
        using executor_type = StrandExecutor;
        executor_type get_executor() const noexcept { return StrandExecutor(owner->strand()); }

        void operator()(asio::error_code error, std::size_t count) const { self->handle_read(error, count); }
        void operator()() const { self->process_buffered(); }

        Reader* self;
        std::shared_ptr<Owner> owner;
    };
    ReadHandler make_read_handler() { return {this, owner_.kept()}; }

    void handle_read(asio::error_code error, std::size_t count) {
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
            poll_until_ = Clock::now() + spin_;
        }
    }

    /// Hands out what has come, sends what that made us send, and waits for more.
    void process_buffered() {
        if (receiver_ == nullptr) {
            return owner_.on_read_failed(asio::error::operation_aborted);
        }
        end_if_it_throws([this] { is_begun_ || begins() ? take_turn_and_read() : begin_read(); });
    }

    /// Is what has come the first frame, and no refusal?
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
                case Turn::over: return asio::post(owner_.strand().executor(), make_read_handler());
                case Turn::closed: return owner_.on_read_end({errc::closed});
                case Turn::stopped: return owner_.on_read_failed(asio::error::operation_aborted);
                case Turn::read_more: chunks_.shrink();
            }
            if (read_error_) {
                return owner_.on_read_failed(read_error_);
            }
        } while (++turns != turns_in_place && comes_at_once());
        if (frames_.has_large_buffer() ? !waits_with_large_buffer() : !polls_on()) {
            frames_.shrink();
            begin_read();
        }
    }

    void begin_read() {
        room_ = room();
        stream_.async_read_some(room_, make_read_handler());
    }

    /// Polls in memory for a moment, which costs less than a round of the event loop.
    bool comes_at_once() {
        if constexpr (ReadsInMemory<Stream>) {
            return spin_ != Clock::duration::zero() && Clock::now() < poll_until_ && stream_.poll(poll_in_place);
        }
        return false;
    }

    /// Goes round the event loop in the place of waiting, as long as the next message may be about to come.
    bool polls_on() {
        if constexpr (IsNonBlocking<Stream>) {
            if (spin_ != Clock::duration::zero() && Clock::now() < poll_until_) {
                polls_ = true;
                asio::post(owner_.strand().executor(), make_read_handler());
                return true;
            }
        }
        return false;
    }

    /// The memory of a large message is kept for the next one (a system call and a page fault for every 4 KiB less), but
    /// not where nothing comes: then `give_back_memory` is called, so no read may be waiting with it.
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

    /// Hands out the messages that are there, then sends what they made us send.
    Turn take_turn() {
        struct Scope {
            Scope(Owner& o, Receiver& r) : owner(o), receiver(r) {
                owner.writer().begin_turn();
                receiver.begin_turn();
            }
            ~Scope() {  // NOLINT(bugprone-exception-escape): without memory there is no way on
                receiver.end_turn();
                if (!goes_on) {
                    owner.writer().end_turn();
                }
            }
            Owner& owner;
            Receiver& receiver;
            bool goes_on = false;
        } scope(owner_, *receiver_);

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
            if (frame.kind == wire::Frame::Kind::chunk && !chunks_.add(frame)) {
                continue;
            }
            switch (frame.kind) {
                case wire::Frame::Kind::close: return Turn::closed;
                case wire::Frame::Kind::ping: owner_.writer().send_frame(SendClass::rejection, wire::pong_frame); break;
                case wire::Frame::Kind::discarded: receiver_->on_discarded(frame.metadata, frame.why); break;
                case wire::Frame::Kind::message: hand_out(frame); break;
                case wire::Frame::Kind::chunk:
                case wire::Frame::Kind::pong: break;
            }
        }
        scope.goes_on = ++turns_ % turns_a_write != 0;
        return Turn::over;
    }

    void hand_out(const wire::Frame& frame) {
        Buffer* const memory = frames_.memory_of(frame);
        if (memory == nullptr) {
            receiver_->on_message({frame.metadata, as_bytes(frame.body)});
        } else {
            Buffer metadata;  // stays when the memory is taken
            metadata.append(frame.metadata);
            receiver_->on_message({metadata.text(), as_bytes(frame.body), false, memory});
            frames_.forget_taken();
        }
    }

    /// Behind a read that filled its room, when what came with it is answered in the same write, and to poll.
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
    const Clock::duration spin_;
    Clock::time_point poll_until_ = {};
    Receiver* receiver_ = nullptr;
    asio::mutable_buffer room_;    // of the read that waits
    asio::error_code read_error_;  // of one that did not wait: told once all before it is handed out
    unsigned turns_ = 0;           // that were over with messages left
    bool is_begun_ = false;        // past where a refusal may be
    bool polls_ = false;
    bool waits_with_large_buffer_ = false;
};

}  // namespace communica::stream
