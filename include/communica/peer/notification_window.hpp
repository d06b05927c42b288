// Flow control of notifications: how many may be sent before they are handled (docs/protocol.md, "notifications").
#pragma once

#include "../connection.hpp"
#include "../limits.hpp"
#include "../lock_order.hpp"
#include "../wire/ended_notifications.hpp"
#include "../wire/metadata.hpp"
#include "route_numbers.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace communica::peer {

/// The most notifications, and the most bytes of their bodies, that may be sent before they are handled.
struct NotificationLimits {
    std::size_t items = std::numeric_limits<std::size_t>::max();
    std::size_t bytes = std::numeric_limits<std::size_t>::max();

    static NotificationLimits of(const Limits& limits) noexcept {
        return {std::max<std::size_t>(limits.max_requests / 2, 1),
                std::max<std::size_t>(limits.max_inflight_bytes / 4, 1)};
    }
};

/// The sender's credit on one connection. Not thread-safe.
class NotificationCredit {
 public:
    void begin(NotificationLimits limits);

    /// While at most a quarter of the bytes is in use, admits a notification of any size.
    bool admits(std::size_t bytes) const noexcept {
        return sent_.size() < limits_.items &&
               (bytes_ <= limits_.bytes / 4 || bytes <= limits_.bytes - std::min(bytes_, limits_.bytes));
    }
    void on_sent(std::size_t bytes, std::string_view route);
    /// The number of sent notifications that are not reported as ended. 0 if the peer does not report.
    std::size_t unconfirmed() const noexcept { return sent_.size(); }
    /// Calls `function(route, count)` for each route of the last `count` that were sent. The route is nothing for
    /// routes that are not known any more.
    template <class F>
    void for_each_route(std::size_t count, F function) const {
        std::array<std::uint64_t, RouteNumbers::most + 1> counts{};
        std::for_each_n(sent_.rbegin(), count, [&](const Sent& sent) { ++counts[sent.route]; });
        for (std::size_t number = 0; number != counts.size(); ++number) {
            if (counts[number] != 0) {
                function(routes_.route_of(static_cast<RouteNumbers::Number>(number)), counts[number]);
            }
        }
    }
    /// The last one of this route was not sent.
    void on_unsent(std::string_view route) noexcept;
    /// The peer reports how many have ended so far. It does not say which, so the oldest are removed. Returns how many
    /// have failed since the last report.
    std::uint64_t on_ended(const wire::EndedNotifications& reported) noexcept;

 private:
    struct Sent {
        std::size_t bytes;
        RouteNumbers::Number route;
    };

    NotificationLimits limits_;
    std::deque<Sent> sent_;  // and not ended
    RouteNumbers routes_;
    std::uint64_t ended_ = 0;
    std::uint64_t failed_ = 0;  // of those that have ended
    std::size_t bytes_ = 0;     // of all in `sent_`
};

/// The receiver's count of ended notifications on one connection. Reports it to the sender after each quarter of the
/// limits. Thread-safe.
class NotificationWindow : public std::enable_shared_from_this<NotificationWindow> {
 public:
    NotificationWindow(std::shared_ptr<Connection> connection, NotificationLimits limits)
        : connection_(std::move(connection)),
          items_to_report_(std::max<std::size_t>(limits.items / 4, 1)),
          bytes_to_report_(std::max<std::size_t>(limits.bytes / 4, 1)) {}

    /// A received notification, until it is handled, refused or abandoned.
    class Ticket {
     public:
        Ticket() = default;
        Ticket(std::shared_ptr<NotificationWindow> window, std::size_t bytes) noexcept
            : window_(std::move(window)), bytes_(bytes) {}
        Ticket(Ticket&&) = default;
        Ticket& operator=(Ticket&& other) noexcept {
            end();
            window_ = std::move(other.window_);
            bytes_ = other.bytes_;
            return *this;
        }
        ~Ticket() { end(); }

        /// The notification was refused, or its handler failed. It still has to end.
        void fail() noexcept {
            if (window_) {
                window_->on_failed();
            }
        }

        /// It may be lost: its end is not reported.
        void abandon() noexcept { window_.reset(); }

        void end() noexcept {
            if (const auto window = std::move(window_)) {
                window->on_end(bytes_);
            }
        }

     private:
        std::shared_ptr<NotificationWindow> window_;
        std::size_t bytes_ = 0;
    };

    Ticket take(std::size_t bytes) noexcept { return {shared_from_this(), bytes}; }

    /// A notification that has not ended was refused, or its handler failed.
    void on_failed() noexcept {
        const std::lock_guard lock(mutex_);
        ++ended_.failed;
    }

    /// Reports now, if failures are not reported.
    void report_failed() noexcept;

    /// Reports for the last time: the connection is about to be closed, and notifications that have not ended are
    /// abandoned.
    void close() noexcept;

 private:
    void on_end(std::size_t bytes) noexcept;

    /// With the lock held.
    void report() noexcept;

    const std::shared_ptr<Connection> connection_;
    const std::size_t items_to_report_;
    const std::size_t bytes_to_report_;
    base::OrderedMutex<base::LockOrder::stream> mutex_;
    wire::EndedNotifications ended_;
    wire::EndedNotifications reported_;
    std::size_t unreported_bytes_ = 0;
    bool closed_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "notification_window.ipp"
#endif
