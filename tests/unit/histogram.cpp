#include "support/catch.hpp"

#include <communica/histogram.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

namespace histogram_tests {

using communica::Histogram;
using communica::HistogramBuckets;
using namespace std::chrono_literals;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(Histogram) <= 2700);  // and nothing of it is elsewhere
static_assert(std::is_trivially_destructible_v<Histogram>);

TEST_CASE("each value is in the bucket whose largest value is at most an eighth above it") {
    const std::uint64_t factor = GENERATE(1U, 3U, 1001U);
    bool all_fit = true;
    for (std::uint64_t value = 1; value < HistogramBuckets::max_value; value = value * 11 / 10 + factor) {
        const std::uint64_t largest = HistogramBuckets::largest_in(HistogramBuckets::index_of(value));
        all_fit = all_fit && largest >= value && 8 * (largest - value) <= value;
    }
    CHECK(all_fit);
}

TEST_CASE("buckets follow each other without a gap") {
    for (std::size_t bucket = 0; bucket + 1 != HistogramBuckets::count; ++bucket) {
        const std::uint64_t largest = HistogramBuckets::largest_in(bucket);
        REQUIRE(HistogramBuckets::index_of(largest) == bucket);
        REQUIRE(HistogramBuckets::index_of(largest + 1) == bucket + 1);
    }
}

TEST_CASE("small values and powers of two are exact") {
    for (const std::uint64_t value : {0U, 1U, 7U, 8U, 16U, 1024U, 1U << 31U}) {
        CHECK(HistogramBuckets::largest_in(HistogramBuckets::index_of(value)) == value);
    }
}

TEST_CASE("a value over the largest counts as the largest") {
    Histogram histogram;
    histogram.record(~std::uint64_t{0});
    histogram.record(10h);
    CHECK(histogram.snapshot().percentile(1) == HistogramBuckets::max_value);
    CHECK(histogram.snapshot().count() == 2);
}

TEST_CASE("a percentile is the value that so many do not exceed") {
    Histogram histogram;
    CHECK(histogram.snapshot().percentile(0.5) == 0);
    for (std::uint64_t value = 1; value <= 1000; ++value) {
        histogram.record(value);
    }
    histogram.record(-1ns);
    const auto now = histogram.snapshot();
    CHECK(now.count() == 1001);
    CHECK(now.sum == 500'500);
    CHECK(now.percentile(0) == 0);
    CHECK(now.percentile(-1) == 0);
    CHECK(now.percentile(2) == now.percentile(1));
    CHECK(now.percentile(std::numeric_limits<double>::quiet_NaN()) == 0);
    for (const double part : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto value = static_cast<double>(now.percentile(part));
        CAPTURE(part, value);
        CHECK(value >= 1000 * part - 1);
        CHECK(value <= 1125 * part + 1);
    }
}

TEST_CASE("values that threads count at once are all counted") {
    Histogram histogram;
    std::vector<std::thread> threads;
    for (int thread = 0; thread != 4; ++thread) {
        threads.emplace_back([&histogram] {
            for (std::uint64_t value = 0; value != 10'000; ++value) {
                histogram.record(value % 100);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(histogram.snapshot().count() == 40'000);
    CHECK(histogram.snapshot().sum == 4 * 100 * 4950);
}

}  // namespace histogram_tests
