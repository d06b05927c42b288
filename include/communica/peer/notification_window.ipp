#pragma once

#include "notification_window.hpp"

namespace communica::peer {

COMMUNICA_INLINE void NotificationCredit::begin(NotificationLimits limits) {
    limits_ = limits;
    sent_.clear();
    routes_.clear();
    ended_ = failed_ = bytes_ = 0;
}

COMMUNICA_INLINE void NotificationCredit::on_sent(std::size_t bytes, std::string_view route) {
    if (limits_.items != NotificationLimits().items) {
        sent_.push_back({bytes, routes_.number_of(route)});
        bytes_ += bytes;
    }
}

COMMUNICA_INLINE void NotificationCredit::on_unsent(std::string_view route) noexcept {
    const auto number = routes_.number_of(route);
    const auto found = std::find_if(sent_.rbegin(), sent_.rend(), [=](const Sent& s) { return s.route == number; });
    if (found != sent_.rend()) {
        bytes_ -= found->bytes;
        sent_.erase(std::prev(found.base()));
    }
}

COMMUNICA_INLINE std::uint64_t NotificationCredit::on_ended(const wire::EndedNotifications& reported) noexcept {
    for (; ended_ < reported.all && !sent_.empty(); ++ended_) {
        bytes_ -= sent_.front().bytes;
        sent_.pop_front();
    }
    const std::uint64_t failed = std::max(std::min(reported.failed, ended_), failed_);
    return failed - std::exchange(failed_, failed);
}

COMMUNICA_INLINE void NotificationWindow::report_failed() noexcept {
    const std::lock_guard lock(mutex_);
    if (!closed_ && ended_.failed != reported_.failed) {
        report();
    }
}

COMMUNICA_INLINE void NotificationWindow::close() noexcept {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(closed_, true) && ended_.all != reported_.all) {
        report();
    }
}

COMMUNICA_INLINE void NotificationWindow::on_end(std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);  // held while sending, so that the totals only grow
    ++ended_.all;
    unreported_bytes_ += bytes;
    if (!closed_ && (ended_.all - reported_.all >= items_to_report_ || unreported_bytes_ >= bytes_to_report_)) {
        report();
    }
}

COMMUNICA_INLINE void NotificationWindow::report() noexcept {
    try {
        Buffer metadata;
        Buffer body;
        wire::write_ended_notifications(metadata, body, ended_);
        connection_->send(SendClass::response, metadata.text(), body);
        reported_ = ended_;
        unreported_bytes_ = 0;
    } catch (...) {  // NOLINT(bugprone-empty-catch)
        // Out of memory: the next report includes it.
    }
}

}  // namespace communica::peer
