// A heap of keys, ordered by deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace communica::peer {

using Clock = std::chrono::steady_clock;

/// Returns now plus `time`: now if that is negative, the latest time point if it is out of range.
inline Clock::time_point deadline_after(Clock::duration time) noexcept {
    const auto now = Clock::now();
    return time < Clock::time_point::max() - now ? now + std::max(time, Clock::duration::zero())
                                                 : Clock::time_point::max();
}

/// Returns the time left until the deadline; none without a deadline.
inline std::optional<Clock::duration> left_until(std::optional<Clock::time_point> deadline) noexcept {
    return deadline ? std::optional(*deadline - Clock::now()) : std::nullopt;
}

/// A binary heap of keys, earliest deadline first. `place_of(key)` is a reference to a `std::uint32_t` in which the
/// heap stores the key's index, so that any key can be removed. Not thread-safe.
template <class Key, class PlaceOf>
class DeadlineHeap {
 public:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    explicit DeadlineHeap(PlaceOf place_of) : place_of_(std::move(place_of)) {}

    std::optional<Clock::time_point> earliest() const noexcept {
        return entries_.empty() ? std::nullopt : std::optional(entries_.front().deadline);
    }

    /// Returns the key with the earliest deadline, if that has passed.
    std::optional<Key> expired(Clock::time_point now) const noexcept {
        return entries_.empty() || entries_.front().deadline > now ? std::nullopt : std::optional(entries_.front().key);
    }

    void push(Clock::time_point deadline, Key key) {
        entries_.push_back({deadline, key});
        sift_up(entries_.size() - 1);
    }

    Clock::time_point deadline_at(std::uint32_t place) const noexcept { return entries_[place].deadline; }

    /// Releases unused memory.
    void shrink() { entries_.shrink_to_fit(); }

    /// Removes a key, if present.
    void remove(Key key) noexcept {
        const std::size_t at = std::exchange(place_of_(key), none);
        if (at == none) {
            return;
        }
        const Entry last = entries_.back();
        entries_.pop_back();
        if (at != entries_.size()) {
            set(at, last);
            sift_up(at);
            sift_down(place_of_(last.key));
        }
    }

 private:
    struct Entry {
        Clock::time_point deadline;
        Key key;
    };

    void set(std::size_t at, const Entry& entry) noexcept {
        entries_[at] = entry;
        place_of_(entry.key) = static_cast<std::uint32_t>(at);
    }

    void sift_up(std::size_t at) noexcept {
        const Entry entry = entries_[at];
        while (at != 0 && entry.deadline < entries_[(at - 1) / 2].deadline) {
            set(at, entries_[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        set(at, entry);
    }

    void sift_down(std::size_t at) noexcept {
        const Entry entry = entries_[at];
        for (std::size_t child = 2 * at + 1; child < entries_.size(); child = 2 * at + 1) {
            if (child + 1 < entries_.size() && entries_[child + 1].deadline < entries_[child].deadline) {
                ++child;
            }
            if (entry.deadline <= entries_[child].deadline) {
                break;
            }
            set(at, entries_[child]);
            at = child;
        }
        set(at, entry);
    }

    [[no_unique_address]] PlaceOf place_of_;
    std::vector<Entry> entries_;
};

}  // namespace communica::peer
