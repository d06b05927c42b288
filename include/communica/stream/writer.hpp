// The writing half of a connection over a stream.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../lock_order.hpp"
#include "traits.hpp"
#include "write_queue.hpp"

#include <atomic>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// Queues messages from any thread and writes them on the owner's strand, or those that a thread has gathered there, one
/// write at a time. Messages sent during a write, or while messages are dispatched, go out together in the next write.
///
/// `Owner` contains the writer. It has `strand()`, `kept()`, `gathers()` and `shared_from_this()`. It is told without a lock, on any thread
/// by `on_progress()`, on the strand by `on_room()`, `on_write_done(error, was_last)` and `on_refusals_unread()`. A posted flush
/// holds `shared_from_this()`, a pending write holds `kept()`.
template <class Stream, class Owner>
class Writer {
 public:
    Writer(Owner& owner, Stream& stream, const ConnectionOptions& options, bool passes_descriptors = false)
        : owner_(owner),
          stream_(stream),
          max_refusals_(options.limits.max_refusals),
          counters_(options.counters),
          queue_(options.limits, options.budget, passes_descriptors) {
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

    /// Sends bytes that are already framed.
    void send_frame(SendClass send_class, std::string_view frame, bool is_first = false) {
        enqueue(send_class, [&] {
            is_first ? queue_.push_first(send_class, frame) : queue_.push_frame(send_class, frame);
            return true;
        });
    }

    /// Calls `function(queue)` under the lock.
    template <class Function>
    auto use_queue(Function function) {
        const std::lock_guard lock(mutex_);
        return function(queue_);
    }

    /// Writes what threads have gathered: on this thread, if the stream takes it at once. A strand would take 500
    /// instructions, and memory that Asio has not in store while a handler runs.
    void write_gathered() noexcept {
        try {
            std::unique_lock lock(mutex_);
            if (!gathered_) {
                return;
            }
            if constexpr (IsNonBlocking<Stream>) {
                if (!writing_ && !failed_ && !queue_.empty() && !queue_.has_descriptors()) {
                    return write_here(std::move(lock));
                }
            }
            lock.unlock();
            owner_.strand().execute([this, owner = owner_.shared_from_this()] { flush(std::unique_lock(mutex_)); });
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory: the owner's next `flush_left` sends it
        }
    }

    std::size_t unread_answers() const noexcept { return unread_answers_.load(std::memory_order_relaxed); }

    std::size_t unwritten_requests() const {
        const std::lock_guard lock(mutex_);
        return queue_.size(SendClass::request);
    }

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

    /// If so, the owner is told of the write's end.
    bool is_writing() {
        const std::lock_guard lock(mutex_);
        is_end_awaited_ = writing_;
        return writing_;
    }

    /// The stream is closed: no write begins any more, on any thread.
    void stop() {
        std::unique_lock lock(mutex_);
        failed_ = true;
        if (left_) {
            lock.unlock();
            flush_left();
        }
    }

    /// Calls `function` while no other thread uses the stream.
    template <class Function>
    void exclude_writes(Function function) {
        const std::lock_guard lock(stream_mutex_);
        function();
    }

    /// Holds back writes while messages are dispatched; `end_turn` writes the replies.
    void begin_turn() noexcept { in_turn_.store(true, std::memory_order_relaxed); }
    /// Called periodically: writes messages whose flush failed for want of memory.
    void flush_left() {
        std::unique_lock lock(mutex_);
        if (const auto written = std::exchange(left_, std::nullopt)) {
            lock.unlock();
            return go_on_after(*written);
        }
        if (!flush_posted_) {
            flush(std::move(lock));
        }
    }
    void end_turn() {
        std::unique_lock lock(mutex_);
        in_turn_.store(false, std::memory_order_relaxed);
        flush(std::move(lock));
    }

    /// Accepts nothing more. Says whether it did before.
    bool close() {
        const std::lock_guard lock(mutex_);
        return !std::exchange(closing_, true);
    }

    /// The same, after a last frame.
    bool close_with(std::string_view frame) {
        std::unique_lock lock(mutex_);
        if (std::exchange(closing_, true)) {
            return false;
        }
        queue_.push_last(SendClass::response, frame);
        flush(std::move(lock));
        return true;
    }

 private:
    using Mutex = base::OrderedMutex<base::LockOrder::connection>;

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
            if (!unread) {
                if (in_turn_.load(std::memory_order_relaxed) || writing_) {
                    return true;
                }
                if (owner_.gathers()) {
                    gathered_ = true;
                    return true;
                }
                if (std::exchange(flush_posted_, true)) {
                    return true;
                }
            }
        }
        try {
            asio::post(owner_.strand().executor(), [this, unread, owner = owner_.shared_from_this()] {
                unread ? owner->on_refusals_unread() : flush(std::unique_lock(mutex_));
            });
        } catch (...) {  // out of memory: the next message or the owner's next `flush_left` sends it
            const std::lock_guard lock(mutex_);
            (unread ? refusals_unread_ : flush_posted_) = false;
        }
        return true;
    }

    /// Writes the queue: synchronously as far as the stream takes bytes at once, asynchronously from there on. A
    /// completion handler would cost more than the bytes (a request at a time: 1.13 times raw Asio, 1.07 without it).
    void flush(std::unique_lock<Mutex> lock) {
        flush_posted_ = false;
        gathered_ = false;
        while (!writing_ && !failed_ && !queue_.empty()) {
            std::span<const asio::const_buffer> buffers;
            try {
                buffers = queue_.begin_write();
            } catch (...) {  // out of memory: `flush_left` tries again
                return;
            }
            if constexpr (PassesDescriptors<Stream>) {
                if (queue_.has_pieces()) [[unlikely]] {
                    return begin_pieces(std::move(lock));
                }
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

    /// Writes the queue on a thread that is not the strand's. Only a write that leaves nothing to do ends here.
    void write_here(std::unique_lock<Mutex> lock) {
        gathered_ = false;
        const std::span<const asio::const_buffer> buffers = queue_.begin_write();
        writing_ = true;
        lock.unlock();
        std::size_t count = 0;
        exclude_writes([&] { count = write_now(buffers); });
        const bool is_whole = count == asio::buffer_size(buffers);
        lock.lock();
        if (is_whole && !closing_ && !is_end_awaited_ && queue_.empty() && !queue_.is_room_awaited()) {
            writing_ = false;
            queue_.end_write(count);
            note_answers();
            lock.unlock();
            return count_written(count);
        }
        left_ = count;
        lock.unlock();
        owner_.strand().execute([this, owner = owner_.shared_from_this()] {
            std::unique_lock left(mutex_);
            if (const auto written = std::exchange(left_, std::nullopt)) {
                left.unlock();
                go_on_after(*written);
            }
        });
    }

    /// On the strand: after the first `count` bytes of the pending write.
    void go_on_after(std::size_t count) { count != queue_.in_flight() ? write_rest(count) : end_later({}, count); }

    /// Writes without waiting. Returns the number of bytes written; an error is left to the asynchronous write.
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
            end_later(error, written + count + (error && base::writes_are_whole ? base::largest_write : 0));
        };
        try {
            asio::async_write(stream_, queue_.skip(written), watched_transfer(),
                              asio::bind_executor(owner_.strand().executor(), std::move(done)));
        } catch (const std::bad_alloc&) {  // a frame may be written in part: nothing can follow it
            end_later(asio::error::no_memory, written);
        }
    }
    void end_later(asio::error_code error, std::size_t written) {
        std::unique_lock lock(mutex_);
        if (end_write(lock, error, written)) {
            lock.lock();
            flush(std::move(lock));
        }
    }

    [[gnu::noinline]] void begin_pieces(std::unique_lock<Mutex> lock) {
        if (queue_.in_flight() != 0) {
            writing_ = true;
            lock.unlock();
            write_pieces(0);
        }
    }

    /// Writes a queue with descriptors, which have to be sent with a frame of their own: the kernel may hand them out
    /// with any byte of the same write.
    void write_pieces(std::size_t written) {
        asio::error_code error;
        while (!error && written != queue_.in_flight()) {
            const auto piece = queue_.piece(written);
            const std::size_t count = piece.attachments != nullptr
                                          ? stream_.write_with(piece.frame, *piece.attachments, error)
                                          : stream_.write_some(piece.buffers, error);
            if (!error) {
                written += count;
                owner_.on_progress();
            }
        }
        if (error == asio::error::would_block || error == asio::error::interrupted) {
            auto ready = [this, written, owner = owner_.kept()](asio::error_code failed) {
                failed ? end_later(failed, written) : write_pieces(written);
            };
            try {
                return stream_.async_wait(Stream::wait_write,
                                          asio::bind_executor(owner_.strand().executor(), std::move(ready)));
            } catch (const std::bad_alloc&) {
                error = asio::error::no_memory;
            }
        }
        end_later(error, written);
    }

    /// `asio::transfer_all` that reports each partial write.
    auto watched_transfer() {
        return [this, before = std::size_t{0}](asio::error_code error, std::size_t written) mutable {
            if (written != std::exchange(before, written)) {
                owner_.on_progress();
            }
            return error ? std::size_t{0} : base::largest_write;
        };
    }

    /// Unlocks and tells the owner. Says whether more is queued.
    bool end_write(std::unique_lock<Mutex>& lock, asio::error_code error, std::size_t count) {
        writing_ = false;
        is_end_awaited_ = false;
        failed_ = failed_ || error;
        queue_.end_write(count);
        note_answers();
        const bool more = !queue_.empty();
        const bool last = closing_ && !more;
        const bool room = queue_.room_is_back();
        lock.unlock();
        if (count != 0) {
            count_written(count);
        }
        owner_.on_write_done(error, last);
        if (room && !error) {
            owner_.on_room();
        }
        return more;
    }

    void count_written(std::size_t count) {
        if (counters_) {
            Counters::add(counters_->bytes_sent, count);
        }
        owner_.on_progress();  // Asio does not call the condition after the last part
    }

    /// To be called after each change of the queue.
    void note_answers() noexcept { unread_answers_.store(queue_.size(SendClass::response), std::memory_order_relaxed); }

    Owner& owner_;
    Stream& stream_;
    const std::size_t max_refusals_;
    const std::shared_ptr<Counters> counters_;
    std::atomic<std::size_t> unread_answers_ = 0;
    std::atomic<bool> in_turn_ = false;  // cleared under the lock, so that `end_turn` writes what was queued before

    base::Mutex stream_mutex_;  // held by writes off the strand, and by what they exclude
    mutable Mutex mutex_;       // guards the members below
    bool writing_ = false;
    bool is_end_awaited_ = false;  // of the pending write, by the owner
    bool flush_posted_ = false;
    bool gathered_ = false;  // messages wait for the end of a `Gathering`
    bool closing_ = false;
    bool failed_ = false;
    bool refusals_unread_ = false;
    WriteQueue queue_;
    std::optional<std::size_t> left_;  // bytes written off the strand, of a write that goes on there
};

}  // namespace communica::stream
