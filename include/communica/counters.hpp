// Counters of the work of entities.
#pragma once

#include "asio.hpp"
#include "error.hpp"
#include "histogram.hpp"
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

/// Counts the work of the entities that have it in their options. An entity without counters counts nothing. Each
/// number may be read at any time, from any thread. Numbers are read one by one, so two need not belong to the same
/// moment.
class Counters {
 public:
    /// An atomic counter, read like a number.
    using Count = std::atomic<std::uint64_t>;

    // ---- sent by this side

    /// Requests of this side, whatever their outcome.
    Count requests = 0;
    /// Notifications of this side.
    Count notifications = 0;
    /// Of these, the ones that the peer refused, or whose handler failed there, as far as the peer has reported: after a
    /// flush all that had failed before it. A peer of the Python library or over RabbitMQ does not report.
    Count failed_notifications = 0;
    /// Of these, the ones whose connection ended before the peer reported that they had ended: at most this many are
    /// lost. Not counted for a peer that does not report, and for connections that this side closed.
    Count unconfirmed_notifications = 0;
    Count answers = 0;  ///< requests of this side that ended with a value

    /// Requests and notifications of this side that ended with `code`.
    std::uint64_t errors(errc code) const noexcept { return errors_[static_cast<std::size_t>(code)].load(relaxed); }
    /// Requests and notifications that the caller cancelled.
    std::uint64_t cancelled() const noexcept { return cancelled_.load(relaxed); }
    /// Requests and notifications that ended with any error, including the cancelled ones.
    std::uint64_t all_errors() const noexcept {
        std::uint64_t sum = cancelled() + other_errors_.load(relaxed);
        for (const Count& count : errors_) {
            sum += count.load(relaxed);
        }
        return sum;
    }

    /// Nanoseconds from the start of each request of this side to its completion, with a value or an error.
    Histogram request_times;

    Count unsent = 0;  ///< gauge: requests and notifications that wait to be sent

    // ---- received from the peer

    /// Requests of the peer.
    Count received_requests = 0;
    /// Notifications of the peer.
    Count received_notifications = 0;
    /// Requests of the peer that were answered with a value.
    Count sent_answers = 0;
    /// Requests of the peer that were answered with an error.
    Count sent_errors = 0;
    Count at_work = 0;  ///< gauge: running coroutine handlers of requests and notifications
    /// Nanoseconds that the handlers of this side take for each request and notification, including loading the value and
    /// writing the answer. Streams are excluded.
    Histogram handler_times;

    // ---- connections

    Count connections = 0;  ///< connections that completed their handshake
    Count reconnects = 0;   ///< of these, connections of a client that was connected before
    /// Bytes of messages received. Byte streams include the framing, but not the overhead of TLS.
    Count bytes_received = 0;
    /// Bytes of messages sent, counted likewise.
    Count bytes_sent = 0;
    /// Bytes of the bodies of requests, notifications and answers that were sent, or wait for a connection. Items of
    /// streams are excluded.
    Histogram sent_sizes;
    /// Bytes of received bodies, counted likewise.
    Histogram received_sizes;

    /// Failed requests and notifications of the peer with one route and code: the handler threw, the value did not
    /// load, there was no handler, or a limit was reached. The sender of a
    /// notification gets only the number of its failed ones.
    struct Failures {
        std::string route;  ///< `(other)` after the first 1,000 pairs of route and code, and for names over 256 bytes
        /// The error.
        std::error_code code;
        /// The number of failures.
        std::uint64_t count = 0;
    };
    /// The failed requests and notifications of the peer, by route and code. Thread-safe.
    std::vector<Failures> failures() const;

    /// Used by the library.
    void count_failure(std::string_view route, const std::error_code& code);

    /// Used by the library.
    void count_error(const std::error_code& code) noexcept {
        if (base::is_error_category(code.category())) {
            add(errors_[static_cast<std::size_t>(code.value()) % errors_.size()]);
        } else {
            add(code == asio::error::operation_aborted ? cancelled_ : other_errors_);
        }
    }

    /// Used by the library.
    static void add(Count& count, std::uint64_t number = 1) noexcept { count.fetch_add(number, relaxed); }

 private:
    static constexpr auto relaxed = std::memory_order_relaxed;

    static constexpr std::size_t max_failures = 1000;
    static constexpr std::size_t max_route = 256;
    static constexpr std::string_view other = "(other)";

    mutable std::mutex failures_mutex_;
    std::map<std::pair<std::string, std::error_code>, std::uint64_t> failures_;
    std::array<Count, static_cast<std::size_t>(base::last_errc) + 1> errors_{};
    Count cancelled_ = 0;
    Count other_errors_ = 0;
};

/// One holder's part of a gauge. Not thread-safe.
class Gauge {
 public:
    Gauge() = default;
    Gauge(std::shared_ptr<Counters> counters, Counters::Count Counters::* count) noexcept
        : counters_(std::move(counters)), count_(count) {}
    Gauge(const Gauge&) = delete;
    Gauge& operator=(const Gauge&) = delete;
    ~Gauge() { set(0); }

    /// Sets this holder's part.
    void set(std::size_t number) noexcept {
        if (counters_ && number != number_) {
            Counters::add((*counters_).*count_, number - number_);  // unsigned: a decrease wraps around
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
