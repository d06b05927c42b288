// Notifications that may be lost with the connection that they were sent over.
#pragma once

#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace communica::peer {

/// What this side sent over a connection that has ended, and what the peer has not confirmed.
class UnconfirmedNotifications {
 public:
    std::uint64_t count() const noexcept { return count_; }

    /// Some that were sent may be lost. The route is as in the metadata; nothing if it is not known.
    void add_sent(std::optional<std::string_view> quoted_route, std::uint64_t count) noexcept;
    /// One of those was not sent.
    void remove_sent(std::string_view quoted_route) noexcept;

    /// A message that is never written counts if it is a notification.
    void add_unwritten(const wire::Metadata& metadata) {
        if (metadata.type == wire::MessageType::notification) {
            ++routes_[std::string(metadata.route.value_or(std::string_view()))];
            ++count_;
            are_unwritten_ = true;
        }
    }

    /// `up to 7 notifications that were sent may be lost ("event": 5, "log": 2): ...`, or
    /// `7 notifications were not written ("event": 5, "log": 2): ...`
    std::string text(const Error& why) const;

 private:
    std::string routes() const;

    std::uint64_t count_ = 0;
    std::map<std::string, std::uint64_t>
        routes_;  // the counts of known routes; the route is empty where there are none
    bool are_unwritten_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "unconfirmed.ipp"
#endif
