// The writing half of a connection over a stream.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "traits.hpp"
#include "write_queue.hpp"

#include <atomic>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// Queues messages from any thread and writes them on the owner's strand, one write at a time: what is sent while one
/// is under way, or while messages are handed out, goes out together in the next.
///
/// `Owner` is what it is a part of. It has a `strand()`, and is told there and without a lock what comes of it:
/// `on_progress()`, `on_room()`, `on_write_done(error, was_last)` and `on_refusals_unread()`. What is posted keeps
/// it alive by `shared_from_this()`, a write that waits what its `kept()` says.
template <class Stream, class Owner>
class Writer {
 public:
    Writer(Owner& owner, Stream& stream, const ConnectionOptions& options)
        : owner_(owner),
          stream_(stream),
          max_refusals_(options.limits.max_refusals),
          counters_(options.counters),
          queue_(options.limits, options.budget) {
        if constexpr (IsNonBlocking<Stream>) {
            stream_.non_blocking(true);
        }
    }

    // ---- from any thread

    bool send(SendClass send_class, std::string_view metadata, Buffer& body) {
        return enqueue(send_class, [&] {
            if (!queue_.admits(send_class, metadata.size() + body.size())) {
                return false;
            }
            queue_.push(send_class, metadata, body);
            return true;
        });
    }

    /// Bytes that are a frame already.
    void send_frame(SendClass send_class, std::string_view frame) {
        enqueue(send_class, [&] {
            queue_.push_frame(send_class, frame);
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

    // ---- on the strand

    bool is_writing() const {
        const std::lock_guard lock(mutex_);
        return writing_;
    }

    /// While messages are handed out nothing is written; `end_turn` writes what they made us send.
    void begin_turn() noexcept { in_turn_.store(true, std::memory_order_relaxed); }
    /// Every so often: what should have gone out, and could not for want of memory.
    void flush_left() {
        std::unique_lock lock(mutex_);
        if (!flush_posted_) {
            flush(std::move(lock));
        }
    }
    void end_turn() {
        std::unique_lock lock(mutex_);
        in_turn_.store(false, std::memory_order_relaxed);
        flush(std::move(lock));
    }

    /// Takes nothing more. Says whether it did before.
    bool close() {
        const std::lock_guard lock(mutex_);
        return !std::exchange(closing_, true);
    }

    /// The same, behind a last frame.
    bool close_with(std::string_view frame) {
        std::unique_lock lock(mutex_);
        if (std::exchange(closing_, true)) {
            return false;
        }
        queue_.push_frame(SendClass::response, frame);
        flush(std::move(lock));
        return true;
    }

 private:
    template <class Push>
    bool enqueue(SendClass send_class, Push push) {
        bool unread = false;
        {
            const std::lock_guard lock(mutex_);
            if (closing_ || !push()) {
                return false;
            }
            note_answers();
            unread = send_class == SendClass::rejection && queue_.size(send_class) > max_refusals_ &&
                     !std::exchange(refusals_unread_, true);
            if (!unread &&
                (in_turn_.load(std::memory_order_relaxed) || writing_ || std::exchange(flush_posted_, true))) {
                return true;
            }
        }
        try {
            asio::post(owner_.strand().executor(), [this, unread, owner = owner_.shared_from_this()] {
                unread ? owner->on_refusals_unread() : flush(std::unique_lock(mutex_));
            });
        } catch (...) {  // for want of memory: it goes out with the next message, or at the owner's next `flush_left`
            const std::lock_guard lock(mutex_);
            (unread ? refusals_unread_ : flush_posted_) = false;
        }
        return true;
    }

    /// Writes what is queued: what the stream takes at once in this call, the rest behind it. A write that is done at
    /// once needs no completion, which would cost more than its bytes do (one at a time: 1.13 to 1.07 of raw Asio).
    void flush(std::unique_lock<std::mutex> lock) {
        flush_posted_ = false;
        while (!writing_ && !failed_ && !queue_.empty()) {
            std::span<const asio::const_buffer> buffers;
            try {
                buffers = queue_.begin_write();
            } catch (...) {  // for want of memory: as where nothing can be posted
                return;
            }
            writing_ = true;
            lock.unlock();
            const std::size_t count = write_now(buffers);
            if (count != asio::buffer_size(buffers)) {
                return write_rest(count);
            }
            lock.lock();
            if (!end_write(lock, {}, count)) {
                return;
            }
            lock.lock();
        }
    }

    /// How many bytes went out without waiting. Errors are left to the write that waits.
    std::size_t write_now(std::span<const asio::const_buffer> buffers) {
        if constexpr (IsNonBlocking<Stream>) {
            asio::error_code error;
            const std::size_t count =
                buffers.size() == 1 ? stream_.write_some(buffers.front(), error) : stream_.write_some(buffers, error);
            return error ? 0 : count;
        } else {
            return 0;
        }
    }

    void write_rest(std::size_t written) {
        auto done = [this, written, owner = owner_.kept()](asio::error_code error, std::size_t count) {
            std::unique_lock lock(mutex_);
            if (end_write(lock, error, written + count + (error && writes_are_whole ? largest_write : 0))) {
                lock.lock();
                flush(std::move(lock));
            }
        };
        asio::async_write(stream_, queue_.skip(written), watched_transfer(),
                          asio::bind_executor(owner_.strand().executor(), std::move(done)));
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

    /// Unlocks, and tells the owner. Says whether there was more to write.
    bool end_write(std::unique_lock<std::mutex>& lock, asio::error_code error, std::size_t count) {
        writing_ = false;
        failed_ = failed_ || error;
        queue_.end_write(count);
        note_answers();
        const bool more = !queue_.empty();
        const bool last = closing_ && !more;
        const bool room = queue_.room_is_back();
        lock.unlock();
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
        return more;
    }

    /// After each change of the queue.
    void note_answers() noexcept { unread_answers_.store(queue_.size(SendClass::response), std::memory_order_relaxed); }

    Owner& owner_;
    Stream& stream_;
    const std::size_t max_refusals_;
    const std::shared_ptr<Counters> counters_;
    std::atomic<std::size_t> unread_answers_ = 0;
    std::atomic<bool> in_turn_ = false;  // ends under the lock: what was queued before goes out then

    mutable std::mutex mutex_;  // for what follows
    WriteQueue queue_;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool closing_ = false;
    bool failed_ = false;
    bool refusals_unread_ = false;
};

}  // namespace communica::stream
