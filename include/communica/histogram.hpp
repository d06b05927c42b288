// Counts of values by size, in bounded memory.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace communica {

/// The buckets of a `Histogram`: one for 0, one for each of 1 to 8, then eight for each doubling. The largest value of a
/// bucket is at most 12.5 % above any value in it.
struct HistogramBuckets {
    /// Buckets for each doubling.
    static constexpr std::size_t steps = 8;
    /// Larger values count as this one: 2.4 hours in nanoseconds.
    static constexpr std::uint64_t max_value = std::uint64_t{1} << 43;
    /// The number of buckets.
    static constexpr std::size_t count = 1 + steps * 41;

    /// The bucket of a value.
    static constexpr std::size_t index_of(std::uint64_t value) noexcept {
        if (value == 0) {
            return 0;
        }
        const std::uint64_t below = std::min(value, max_value) - 1;  // so that a power of two is the last of its bucket
        if (below < steps) {
            return static_cast<std::size_t>(below) + 1;
        }
        const auto doublings = static_cast<std::size_t>(std::bit_width(below)) - 4;
        return doublings * steps + static_cast<std::size_t>(below >> doublings) + 1;
    }

    /// The largest value of a bucket.
    static constexpr std::uint64_t largest_in(std::size_t bucket) noexcept {
        if (bucket <= steps) {
            return bucket;
        }
        const std::size_t doublings = (bucket - 1) / steps - 1;
        return (std::uint64_t{(bucket - 1) % steps} + steps + 1) << doublings;
    }
};

/// The content of a `Histogram` at one moment.
class HistogramSnapshot {
 public:
    /// The number of values in each of `HistogramBuckets`.
    std::array<std::uint64_t, HistogramBuckets::count> buckets{};
    /// The sum of all values.
    std::uint64_t sum = 0;

    /// The number of values.
    std::uint64_t count() const noexcept { return count_to(HistogramBuckets::max_value); }

    /// The number of values up to `largest`, which must be the largest of a bucket, as are 1 to 8 and all powers of two.
    std::uint64_t count_to(std::uint64_t largest) const noexcept {
        std::uint64_t values = 0;
        for (std::size_t bucket = 0; bucket <= HistogramBuckets::index_of(largest); ++bucket) {
            values += buckets[bucket];
        }
        return values;
    }

    /// The value that a part of all values does not exceed: 0.5 gives the median, 1 the largest. At most 12.5 % too large,
    /// never too small. 0 if there are no values.
    std::uint64_t percentile(double part) const noexcept {
        const std::uint64_t all = count();
        const double bounded = part > 0 ? std::min(part, 1.0) : 0.0;  // 0 for a NaN as well
        const double wanted = bounded * static_cast<double>(all);
        auto rank = static_cast<std::uint64_t>(wanted);
        rank += static_cast<double>(rank) < wanted || rank == 0 ? 1 : 0;
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket != buckets.size() && all != 0; ++bucket) {
            seen += buckets[bucket];
            if (seen >= std::min(rank, all)) {
                return HistogramBuckets::largest_in(bucket);
            }
        }
        return 0;
    }
};

/// Counts values by size: times in nanoseconds, sizes in bytes. Takes 2.6 KiB for any number of values. Thread-safe and
/// lock-free.
class Histogram {
 public:
    /// Counts a value.
    void record(std::uint64_t value) noexcept {
        buckets_[HistogramBuckets::index_of(value)].fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(value, std::memory_order_relaxed);
    }
    /// Counts a time; a negative one as 0.
    void record(std::chrono::nanoseconds time) noexcept {
        record(static_cast<std::uint64_t>(std::max(time, std::chrono::nanoseconds::zero()).count()));
    }

    /// Returns the content. A value that is recorded meanwhile may be in the sum and not in its bucket, or the reverse.
    HistogramSnapshot snapshot() const noexcept {
        HistogramSnapshot now;
        for (std::size_t bucket = 0; bucket != buckets_.size(); ++bucket) {
            now.buckets[bucket] = buckets_[bucket].load(std::memory_order_relaxed);
        }
        now.sum = sum_.load(std::memory_order_relaxed);
        return now;
    }

 private:
    std::array<std::atomic<std::uint64_t>, HistogramBuckets::count> buckets_{};
    std::atomic<std::uint64_t> sum_ = 0;
};

}  // namespace communica
