// Flow control of notifications: how many may be sent before they are handled (docs/protocol.md, "notifications").
#pragma once

#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/metadata.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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
    void begin(NotificationLimits limits) {
        limits_ = limits;
        sizes_.clear();
        ended_ = bytes_ = 0;
    }

    /// While at most a quarter of the bytes is in use, admits a notification of any size.
    bool admits(std::size_t bytes) const noexcept {
        return sizes_.size() < limits_.items &&
               (bytes_ <= limits_.bytes / 4 || bytes <= limits_.bytes - std::min(bytes_, limits_.bytes));
    }
    void on_sent(std::size_t bytes) {
        if (limits_.items != NotificationLimits().items) {
            sizes_.push_back(bytes);
            bytes_ += bytes;
        }
    }
    /// `total` notifications have ended so far. The report does not say which, so the oldest are removed.
    void on_ended(std::uint64_t total) noexcept {
        for (; ended_ < total && !sizes_.empty(); ++ended_) {
            bytes_ -= sizes_.front();
            sizes_.pop_front();
        }
    }

 private:
    NotificationLimits limits_;
    std::deque<std::size_t> sizes_;  // of notifications that have not ended
    std::uint64_t ended_ = 0;
    std::size_t bytes_ = 0;  // the sum of `sizes_`
};

/// The receiver's count of ended notifications on one connection. Reports it to the sender after each quarter of the
/// limits. Thread-safe.
class NotificationWindow : public std::enable_shared_from_this<NotificationWindow> {
 public:
    NotificationWindow(std::shared_ptr<Connection> connection, NotificationLimits limits)
        : connection_(std::move(connection)),
          items_to_tell_(std::max<std::size_t>(limits.items / 4, 1)),
          bytes_to_tell_(std::max<std::size_t>(limits.bytes / 4, 1)) {}

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

    /// Reads the peer's count of ended notifications; none if it is malformed.
    static std::optional<std::uint64_t> read(std::string_view text) noexcept {
        std::uint64_t total = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), total);
        return error == std::errc() && end == text.data() + text.size() ? std::optional(total) : std::nullopt;
    }

 private:
    void on_end(std::size_t bytes) noexcept {
        const std::lock_guard lock(mutex_);  // held while sending, so that the totals only grow
        ++ended_;
        untold_bytes_ += bytes;
        if (ended_ - told_ < items_to_tell_ && untold_bytes_ < bytes_to_tell_) {
            return;
        }
        try {
            Buffer body;
            body.append(std::to_string(ended_));
            connection_->send(SendClass::response, wire::taken_metadata, body);
            told_ = ended_;
            untold_bytes_ = 0;
        } catch (...) {  // NOLINT(bugprone-empty-catch)
            // Out of memory: the next report includes it.
        }
    }

    const std::shared_ptr<Connection> connection_;
    const std::size_t items_to_tell_;
    const std::size_t bytes_to_tell_;
    std::mutex mutex_;
    std::uint64_t ended_ = 0;
    std::uint64_t told_ = 0;
    std::size_t untold_bytes_ = 0;
};

}  // namespace communica::peer
