// What entities did, in numbers.
#pragma once

#include "asio.hpp"
#include "error.hpp"
#include "separate_compilation.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace communica {

/// Counts for the entities that are given it by their options; one that has none counts nothing. Each number may be
/// read at any time, from any thread. They are read one by one: while messages come and go, two need not belong to the
/// same moment.
class Counters {
 public:
    /// Read it like a number, at any time.
    using Count = std::atomic<std::uint64_t>;

    // ---- asked by this side

    /// That this side has made, whatever became of them.
    Count requests = 0;
    /// That this side has made.
    Count notifications = 0;
    Count answers = 0;  ///< requests that ended with their value

    /// Requests and notifications that ended with this error.
    std::uint64_t errors(errc code) const noexcept { return errors_[static_cast<std::size_t>(code)].load(relaxed); }
    /// Those that the caller cancelled.
    std::uint64_t cancelled() const noexcept { return cancelled_.load(relaxed); }
    /// Those that ended with any error, the cancelled ones included.
    std::uint64_t all_errors() const noexcept {
        std::uint64_t sum = cancelled() + other_errors_.load(relaxed);
        for (const Count& count : errors_) {
            sum += count.load(relaxed);
        }
        return sum;
    }

    Count unsent = 0;  ///< now: requests and notifications that wait to be sent

    // ---- asked by the other side

    /// Of the other side.
    Count received_requests = 0;
    /// Of the other side.
    Count received_notifications = 0;
    /// Values that this side's handlers gave.
    Count sent_answers = 0;
    /// What requests of the other side ended with instead.
    Count sent_errors = 0;
    Count at_work = 0;  ///< now: coroutine handlers of requests and notifications

    // ---- connections

    Count connections = 0;  ///< that got past their handshake
    Count reconnects = 0;   ///< of these, the ones of a client that was connected before
    /// Of messages; of a byte stream with their frames, without what TLS adds.
    Count bytes_received = 0;
    /// The same.
    Count bytes_sent = 0;

    /// Requests and notifications of the other side that failed here, by route and by code: their handler threw, their value
    /// did not load, there was no handler, a limit was reached. A notification's sender is not told of it.
    struct Failures {
        std::string route;  ///< `(other)` for all behind the first 1,000 pairs, and for names of over 256 bytes
        /// What it failed with.
        std::error_code code;
        /// How often.
        std::uint64_t count = 0;
    };
    /// What failed at this side, by route and error: requests and notifications of the other side. Thread-safe.
    std::vector<Failures> failures() const;

    /// For the library.
    void count_failure(std::string_view route, const std::error_code& code);

    /// For the library.
    void count_error(const std::error_code& code) noexcept {
        if (is_error_category(code.category())) {
            add(errors_[static_cast<std::size_t>(code.value()) % errors_.size()]);
        } else {
            add(code == asio::error::operation_aborted ? cancelled_ : other_errors_);
        }
    }

    /// For the library.
    static void add(Count& count, std::uint64_t number = 1) noexcept { count.fetch_add(number, relaxed); }

 private:
    static constexpr auto relaxed = std::memory_order_relaxed;

    static constexpr std::size_t max_failures = 1000;
    static constexpr std::size_t max_route = 256;
    static constexpr std::string_view other = "(other)";

    mutable std::mutex failures_mutex_;
    std::map<std::pair<std::string, std::error_code>, std::uint64_t> failures_;
    std::array<Count, static_cast<std::size_t>(errc::unknown_error) + 1> errors_{};
    Count cancelled_ = 0;
    Count other_errors_ = 0;
};

/// What one holder contributes to a count of what is there now. Not thread-safe.
class Gauge {
 public:
    Gauge() = default;
    Gauge(std::shared_ptr<Counters> counters, Counters::Count Counters::* count) noexcept
        : counters_(std::move(counters)), count_(count) {}
    Gauge(const Gauge&) = delete;
    Gauge& operator=(const Gauge&) = delete;
    ~Gauge() { set(0); }

    /// How many there are now.
    void set(std::size_t number) noexcept {
        if (counters_ && number != number_) {
            Counters::add((*counters_).*count_, number - number_);  // wraps where it became less
            number_ = number;
        }
    }

 private:
    std::shared_ptr<Counters> counters_;
    Counters::Count Counters::* count_ = nullptr;
    std::size_t number_ = 0;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "counters.ipp"
#endif
