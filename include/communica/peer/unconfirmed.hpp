// Notifications that may be lost with the connection that they were sent over.
#pragma once

#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace communica::peer {

/// What this side sent over a connection that has ended, and what the peer has not confirmed.
class UnconfirmedNotifications {
 public:
    UnconfirmedNotifications() = default;
    /// They may have been written, so that their routes are not known any more.
    explicit UnconfirmedNotifications(std::uint64_t count) noexcept : count_(count) {}

    std::uint64_t count() const noexcept { return count_; }

    /// A message that is never written counts if it is a notification.
    void add_unwritten(const wire::Metadata& metadata) {
        if (metadata.type == wire::MessageType::notification) {
            ++unwritten_[std::string(metadata.route.value_or(std::string_view()))];
            ++count_;
        }
    }

    /// `up to 7 notifications that were sent may be lost: ...`, or, with their routes,
    /// `7 notifications were not written ("event": 5, "log": 2): ...`
    std::string text(const Error& why) const;

 private:
    std::string routes() const;

    std::uint64_t count_ = 0;
    std::map<std::string, std::uint64_t> unwritten_;  // by route, which is empty where there are none
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "unconfirmed.ipp"
#endif
