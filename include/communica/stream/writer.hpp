// The writing half of a connection over a stream.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "write_queue.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// Queues messages from any thread and writes them on the stream's executor, one write at a time: what is sent while one
/// is under way, or while messages are handed out, goes out together in the next.
///
/// `Owner` is what it is a part of: kept alive by each write, and told of what it comes to: `on_progress()`, `on_room()`,
/// `on_write_done(error, was_last)` and `on_refusals_unread()`, on the stream's executor and without a lock.
template <class Stream, class Owner>
class Writer {
 public:
    Writer(Owner& owner, Stream& stream, const ConnectionOptions& options)
        : owner_(owner),
          stream_(stream),
          max_refusals_(options.limits.max_refusals),
          counters_(options.counters),
          queue_(options.limits, options.budget) {
        if constexpr (requires { stream_.native_non_blocking(); }) {
            stream_.non_blocking(true);
        }
    }

    // ---- from any thread

    bool send(Purpose purpose, std::string_view metadata, Buffer& body) {
        return enqueue(purpose, [&] {
            if (purpose == Purpose::ask && !queue_.has_room()) {
                wants_room_ = true;
                return false;
            }
            queue_.push(purpose, metadata, body);
            return true;
        });
    }

    /// Bytes that are a frame already.
    void send_frame(Purpose purpose, std::string_view frame) {
        enqueue(purpose, [&] {
            queue_.push_frame(purpose, frame);
            return true;
        });
    }

    std::size_t unread_answers() const noexcept { return unread_answers_.load(std::memory_order_relaxed); }

    bool is_closing() const {
        const std::lock_guard lock(mutex_);
        return closing_;
    }

    std::vector<UnsentMessage> take_unsent() {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        return queue_.take_unsent();
    }

    // ---- on the stream's executor

    bool is_writing() const {
        const std::lock_guard lock(mutex_);
        return writing_;
    }

    /// While messages are handed out nothing is written; `end_turn` writes what they made us send.
    void begin_turn() {
        const std::lock_guard lock(mutex_);
        in_turn_ = true;
    }
    void end_turn() {
        {
            const std::lock_guard lock(mutex_);
            in_turn_ = false;
        }
        flush();
    }

    /// Takes nothing more. Says whether it did before.
    bool close() {
        const std::lock_guard lock(mutex_);
        return !std::exchange(closing_, true);
    }

    /// The same, behind a last frame.
    bool close_with(std::string_view frame) {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(closing_, true)) {
                return false;
            }
            queue_.push_frame(Purpose::answer, frame);
        }
        flush();
        return true;
    }

 private:
    template <class Push>
    bool enqueue(Purpose purpose, Push push) {
        bool unread = false;
        {
            const std::lock_guard lock(mutex_);
            if (closing_ || !push()) {
                return false;
            }
            note_answers();
            unread = purpose == Purpose::refuse && queue_.size(purpose) > max_refusals_ &&
                     !std::exchange(refusals_unread_, true);
            if (!unread && (in_turn_ || writing_ || std::exchange(flush_posted_, true))) {
                return true;
            }
        }
        asio::post(stream_.get_executor(), [this, unread, owner = owner_.shared_from_this()] {
            unread ? owner->on_refusals_unread() : flush();
        });
        return true;
    }

    /// Writes what is queued: what the stream takes at once in this call, the rest behind it. A write that is done at
    /// once needs no completion, which would cost more than its bytes do (one at a time: 1.13 to 1.07 of raw Asio).
    void flush() {
        while (const auto buffers = begin_write()) {
            const std::size_t count = write_now(*buffers);
            if (count != asio::buffer_size(*buffers)) {
                return write_rest(count);
            }
            end_write({}, count);
        }
    }

    std::optional<std::span<const asio::const_buffer>> begin_write() {
        const std::lock_guard lock(mutex_);
        flush_posted_ = false;
        if (writing_ || failed_ || queue_.empty()) {
            return std::nullopt;
        }
        writing_ = true;
        return queue_.begin_write();
    }

    /// How many bytes went out without waiting. Errors are left to the write that waits.
    std::size_t write_now(std::span<const asio::const_buffer> buffers) {
        if constexpr (requires { stream_.native_non_blocking(); }) {
            asio::error_code error;
            const std::size_t count =
                buffers.size() == 1 ? stream_.write_some(buffers.front(), error) : stream_.write_some(buffers, error);
            return error ? 0 : count;
        } else {
            return 0;
        }
    }

    void write_rest(std::size_t written) {
        auto done = [this, written, owner = owner_.shared_from_this()](asio::error_code error, std::size_t count) {
            end_write(error, written + count + (error && writes_are_whole ? largest_write : 0));
            flush();
        };
        asio::async_write(stream_, queue_.skip(written), watched_transfer(), std::move(done));
    }

    /// `asio::transfer_all` that tells of each part that goes out.
    auto watched_transfer() {
        return [this, before = std::size_t{0}](asio::error_code error, std::size_t written) mutable {
            if (written != std::exchange(before, written)) {
                owner_.on_progress();
            }
            return error ? std::size_t{0} : largest_write;
        };
    }

    void end_write(asio::error_code error, std::size_t count) {
        bool last = false;
        bool room = false;
        {
            const std::lock_guard lock(mutex_);
            writing_ = false;
            failed_ = failed_ || error;
            queue_.end_write(count);
            note_answers();
            last = closing_ && queue_.empty();
            room = wants_room_ && queue_.has_room();
            wants_room_ = wants_room_ && !room;
        }
        if (count != 0) {
            if (counters_) {
                Counters::add(counters_->bytes_sent, count);
            }
            owner_.on_progress();  // Asio does not ask after the last part
        }
        owner_.on_write_done(error, last);
        if (room && !error) {
            owner_.on_room();
        }
    }

    /// After each change of the queue.
    void note_answers() noexcept { unread_answers_.store(queue_.size(Purpose::answer), std::memory_order_relaxed); }

    Owner& owner_;
    Stream& stream_;
    const std::size_t max_refusals_;
    const std::shared_ptr<Counters> counters_;
    std::atomic<std::size_t> unread_answers_ = 0;

    mutable std::mutex mutex_;  // for what follows
    WriteQueue queue_;
    bool in_turn_ = false;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool closing_ = false;
    bool failed_ = false;
    bool wants_room_ = false;
    bool refusals_unread_ = false;
};

}  // namespace communica::stream
