// Memory that the two ends of a shared-memory connection lend each other for bodies.
#pragma once

#include "../../buffer.hpp"
#include "../../error.hpp"
#include "../../wire/frame.hpp"
#include "../../wire/frame_reader.hpp"
#include "../detail/owned_descriptor_unix.hpp"
#include "meeting_linux.hpp"
#include "sealed_memory_linux.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace communica::detail {

/// The connections of a listener that may have lent memory. Thread-safe.
class LendingPlaces : public std::enable_shared_from_this<LendingPlaces> {
 public:
    explicit LendingPlaces(std::size_t most) noexcept : free_(most) {}

    /// Takes one of the places until the result is destroyed. Null if none is free.
    std::shared_ptr<void> take() {
        std::size_t free = free_.load();
        do {
            if (free == 0) {
                return nullptr;
            }
        } while (!free_.compare_exchange_weak(free, free - 1));
        return {this, [self = shared_from_this()](LendingPlaces* places) { ++places->free_; }};
    }

 private:
    std::atomic<std::size_t> free_;
};

/// The segments of a connection. Each was made by one side and mapped by both. At any time one side has it: its maker
/// at first, the peer from the message on that refers to it, until it comes back with another message or a notice.
/// `take`, `add` and `on_notice` are called on the connection's strand, the rest on any thread. The segments are
/// unmapped by `close`, those in use with their last buffer.
class LentSegments : public std::enable_shared_from_this<LentSegments> {
 public:
    /// Smaller bodies are copied: that costs less.
    static constexpr std::size_t smallest = 16 * 1024;
    static constexpr std::size_t largest = std::size_t{1} << 30;
    static constexpr std::size_t largest_total = std::size_t{64} << 30;
    /// Of each side at a time, because a process may map only so many.
    static constexpr std::size_t most_segments = 64;
    /// The byte on the socket that comes with the descriptor of a new segment.
    static constexpr char announcement = 'm';

    /// `most_own`: bytes of the segments made here. `most_others`: bytes of those that the peer may make.
    LentSegments(int socket, bool is_client, std::size_t most_own, std::size_t most_others)
        : most_own_(most_own),
          most_others_(most_others),
          parity_(is_client ? 0 : 1),
          next_others_(1 - parity_),
          next_own_(parity_),
          socket_(socket) {}

    /// Called, on any thread, once there are notices to send.
    void on_news(std::function<void()> function) {
        const std::lock_guard lock(mutex_);
        tell_ = std::move(function);
    }

    /// Empty if the size is too small or too large, or there is no memory left.
    std::optional<Buffer> lend(std::size_t size) {
        if (size < smallest || size > largest) {
            return std::nullopt;
        }
        std::optional<Buffer> lent;
        std::function<void()> tell;
        {
            const std::lock_guard lock(mutex_);
            try {
                if (const auto number = find_free(std::max(std::bit_ceil(size), least_segment))) {
                    lent.emplace(buffer_of(*number, 0, size));
                }
            } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
                // Neither descriptors nor memory, or the peer reads nothing.
            }
            tell = take_tell();
        }
        if (tell) {
            tell();
        }
        return lent;
    }

    /// Is there a segment of this number?
    bool knows(std::uint32_t number) const {
        const std::lock_guard lock(mutex_);
        return segments_.contains(number);
    }

    /// A descriptor came: the peer's next segment. Throws `errc::protocol_error` if it is none.
    void add(const OwnedDescriptor& file) {
        const std::lock_guard lock(mutex_);
        auto memory = SealedMemory::map(file, most_others_ - others_bytes_);
        if (!memory || memory->size() < least_segment || others_ == most_segments) {
            throw_corrupt("a lent segment that is not a sealed file, or over the limit");
        }
        const std::size_t size = memory->size();
        segments_.emplace(next_others_, Segment{std::make_shared<SealedMemory>(*std::move(memory)), Place::peer});
        next_others_ += 2;
        others_bytes_ += size;
        ++others_;
    }

    /// A message came whose body lies in a segment. Throws `errc::protocol_error` if the peer does not have that.
    Buffer take(std::uint32_t number, std::size_t offset, std::size_t size) {
        const std::lock_guard lock(mutex_);
        const Segment& segment = at_peer(number);
        if (offset > segment.memory->size() || size > segment.memory->size() - offset) {
            throw_corrupt("a body outside of its lent segment");
        }
        return buffer_of(number, offset, size);
    }

    /// A notice came: the peer gives a segment of this side back, or has no use for one of its own.
    void on_notice(wire::Frame::Kind kind, std::uint32_t number) {
        const std::lock_guard lock(mutex_);
        Segment& segment = at_peer(number);
        if (is_own(number) != (kind == wire::Frame::Kind::returned)) {
            throw_corrupt("a notice about a segment of the wrong side");
        }
        if (!is_own(number)) {
            others_bytes_ -= segment.memory->size();
            --others_;
            segments_.erase(number);
            note({wire::FrameCode::returned, number});
        } else if (segment.is_retired) {
            own_bytes_ -= segment.memory->size();
            --own_;
            segments_.erase(number);
        } else {
            put_free(number, segment);
        }
    }

    /// Returns the frames of the notices that are to be sent.
    std::string take_notices() {
        if (!has_news_.load(std::memory_order_relaxed)) {
            return {};
        }
        const std::lock_guard lock(mutex_);
        has_news_ = is_told_ = false;
        return std::exchange(notices_, {});
    }

    /// Retires the free segments that were free at the last call, too.
    void retire_idle() {
        const std::lock_guard lock(mutex_);
        notices_.reserve(notices_.size() +
                         most_segments * wire::SegmentNotice::size);  // `erase_if` must not be left halfway
        for (auto& free : free_) {
            std::erase_if(free, [this](std::uint32_t number) {
                return std::exchange(segments_.at(number).is_idle, true) && retire(number);
            });
        }
    }

    /// Unmaps all that no buffer uses, and what is used then.
    void close() noexcept {
        const std::lock_guard lock(mutex_);
        socket_ = -1;
        segments_.clear();
        free_ = {};
        notices_.clear();
        tell_ = nullptr;
    }

 private:
    static constexpr std::size_t least_segment = 64 * 1024;

    enum class Place : unsigned char { free, here, peer };
    struct Segment {
        std::shared_ptr<SealedMemory> memory;
        Place place;
        bool is_idle = false;
        bool is_retired = false;  // it counts until the peer confirms that, which may have mapped it
    };

    /// A buffer's use of a segment.
    class Loan final : public base::LentMemory {
     public:
        Loan(std::shared_ptr<LentSegments> segments, std::shared_ptr<SealedMemory> memory, std::uint32_t number)
            : LentMemory(segments.get(), number, memory->start()),
              segments_(std::move(segments)),
              memory_(std::move(memory)) {}

        void give_back() noexcept override {
            segments_->end(segment);
            delete this;
        }
        void pass_on() noexcept override { delete this; }
        void note_sent() noexcept override { segments_->note_sent(segment); }

     private:
        std::shared_ptr<LentSegments> segments_;
        std::shared_ptr<SealedMemory> memory_;
    };

    [[noreturn]] static void throw_corrupt(const char* why) { throw std::system_error(errc::protocol_error, why); }

    bool is_own(std::uint32_t number) const noexcept { return number % 2 == parity_; }
    std::vector<std::uint32_t>& free_of(std::size_t size) noexcept {
        const auto logarithm = static_cast<std::size_t>(std::countr_zero(size));
        return free_[std::min(logarithm,
                              free_.size() - 1)];  // the bound is for GCC 14, which does not know that of `size`
    }

    Segment& at_peer(std::uint32_t number) {
        const auto found = segments_.find(number);
        if (found == segments_.end() || found->second.place != Place::peer) {
            throw_corrupt("a lent segment that the peer does not have");
        }
        return found->second;
    }

    Buffer buffer_of(std::uint32_t number, std::size_t offset, std::size_t size) {
        Segment& segment = segments_.at(number);
        auto* const loan = new Loan(shared_from_this(), segment.memory, number);
        segment.place = Place::here;
        segment.is_idle = false;
        return {*loan, loan->start + offset, size, segment.memory->size() - offset};
    }

    /// A free segment of this size, taken from the free ones or made.
    std::optional<std::uint32_t> find_free(std::size_t size) {
        auto& free = free_of(size);
        if (free.empty() && !make(size)) {
            return std::nullopt;
        }
        const std::uint32_t number = free.back();
        free.pop_back();
        return number;
    }

    bool make(std::size_t size) {
        if (socket_ < 0 || !has_room(size)) {
            return false;
        }
        const OwnedDescriptor file = SealedMemory::make_file(size);
        auto memory = SealedMemory::map(file, size);
        if (!memory) {
            return false;
        }
        free_of(size).reserve(free_of(size).size() + 1);
        segments_.insert_or_assign(next_own_, Segment{std::make_shared<SealedMemory>(*std::move(memory)), Place::free});
        try {
            const std::array<int, 1> descriptors{file.get()};
            send_with_descriptors(socket_, {&announcement, 1}, descriptors);
        } catch (...) {
            segments_.erase(next_own_);
            throw;
        }
        free_of(size).push_back(next_own_);
        next_own_ += 2;
        own_bytes_ += size;
        ++own_;
        return true;
    }

    /// May one of this size be made? If not, retires the free segments of other sizes: then there is room later.
    bool has_room(std::size_t size) {
        if (own_bytes_ + size <= most_own_ && own_ != most_segments) {
            return true;
        }
        for (auto& free : free_) {
            while (!free.empty()) {
                retire(free.back());
                free.pop_back();
            }
        }
        return false;
    }

    bool retire(std::uint32_t number) {
        note({wire::FrameCode::retired, number});
        Segment& segment = segments_.at(number);
        segment.place = Place::peer;
        segment.is_retired = true;
        return true;
    }

    void note(wire::SegmentNotice notice) {
        const std::size_t size = notices_.size();
        notices_.resize(size + wire::SegmentNotice::size);
        notice.store(notices_.data() + size);
        has_news_ = true;
    }

    /// What is to be called without the lock, if there are notices of which nobody has been told.
    std::function<void()> take_tell() { return has_news_ && !std::exchange(is_told_, true) ? tell_ : nullptr; }

    void put_free(std::uint32_t number, Segment& segment) {
        free_of(segment.memory->size()).push_back(number);
        segment.place = Place::free;
    }

    void note_sent(std::uint32_t number) noexcept {
        const std::lock_guard lock(mutex_);
        if (const auto found = segments_.find(number); found != segments_.end()) {
            found->second.place = Place::peer;
        }
    }

    /// A buffer does not use the segment any more. Without memory for a notice the segment is lost to its maker.
    void end(std::uint32_t number) noexcept {
        std::function<void()> tell;
        try {
            const std::lock_guard lock(mutex_);
            const auto found = segments_.find(number);
            if (found == segments_.end() || found->second.place != Place::here) {
                return;
            }
            if (is_own(number)) {
                return put_free(number, found->second);
            }
            note({wire::FrameCode::returned, number});
            found->second.place = Place::peer;
            tell = take_tell();
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
        try {
            if (tell) {
                tell();
            }
        } catch (...) {  // NOLINT(bugprone-empty-catch): the connection looks again
        }
    }

    const std::size_t most_own_;
    const std::size_t most_others_;
    const std::uint32_t parity_;  // the client's segments have even numbers
    std::atomic<bool> has_news_ = false;

    mutable std::mutex mutex_;  // guards the members below
    std::unordered_map<std::uint32_t, Segment> segments_;
    std::array<std::vector<std::uint32_t>, 31> free_;  // by the binary logarithm of their size
    std::uint32_t next_others_;
    std::uint32_t next_own_;
    std::size_t own_ = 0;  // segments
    std::size_t own_bytes_ = 0;
    std::size_t others_ = 0;
    std::size_t others_bytes_ = 0;
    std::string notices_;
    bool is_told_ = false;  // of these
    std::function<void()> tell_;
    int socket_;  // -1: closed
};

}  // namespace communica::detail
