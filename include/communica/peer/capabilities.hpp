// What a peer can do beyond the Python library's protocol, as it says in its hello (docs/protocol.md, "Extensions").
#pragma once

#include "../separate_compilation.hpp"
#include "notification_window.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace communica::peer {

/// In bytes.
inline constexpr std::size_t max_session = 1024;

/// An extension is used only between peers that both offer it. The default offers nothing.
struct Capabilities {
    /// Stands for what a peer remembers: another session has forgotten every request of the one before. Empty where
    /// nothing is said.
    std::string session = {};
    /// The largest message that the peer takes, metadata and body.
    std::size_t max_message = std::numeric_limits<std::size_t>::max();
    bool cancel = false;    ///< understands that a request is not wanted any more
    bool deadline = false;  ///< understands how much time a request has
    bool flush = false;     ///< says when it has taken what was sent to it
    bool goodbye = false;   ///< understands that no more requests should come, and why
    bool headers = false;   ///< shows the headers of a request to its handler
    bool inspect = false;   ///< answers what is asked about itself, or asks that
    /// How far a sender of notifications may be ahead; where the extension is not offered nothing is said.
    NotificationLimits ahead = {};
    bool notifications = false;  ///< says how many notifications have ended, and is told
    bool ping = false;           ///< answers pings
    bool resume = false;         ///< says on a new connection which requests of an earlier one are still at work
    bool streams = false;        ///< understands streams
};

/// Everything that this library knows.
Capabilities full_offer(std::string session, std::size_t max_message,
                        NotificationLimits ahead = NotificationLimits::of({}));

/// The JSON object that stands for an offer in a hello.
std::string write_offer(const Capabilities& offer);

/// The offer in a hello. What is not there, or not of its form, is not offered; without a session, nothing is.
Capabilities read_capabilities(const nlohmann::json& hello);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "capabilities.ipp"
#endif
