// The extensions to the Python library's protocol that a peer announces in its hello (docs/protocol.md, "Extensions").
#pragma once

#include "../separate_compilation.hpp"
#include "notification_window.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace communica::peer {

/// The longest session id, in bytes.
inline constexpr std::size_t max_session = 1024;

/// An extension is used only if both peers offer it. The default offers none.
struct Capabilities {
    /// Identifies the state that the peer keeps of its requests. A peer with another session has lost all requests of
    /// the one before. Empty if the peer does not announce a session.
    std::string session = {};
    /// The largest message that the peer accepts, metadata and body, in bytes.
    std::size_t max_message = std::numeric_limits<std::size_t>::max();
    /// The most descriptors of a message that the peer accepts over this connection.
    std::size_t max_descriptors = 0;
    bool cancel = false;    ///< accepts the cancellation of a request
    bool deadline = false;  ///< accepts the remaining time of a request
    bool flush = false;     ///< answers a flush once it has taken all earlier messages
    bool goodbye = false;   ///< accepts a goodbye: no more requests, and the reason
    bool headers = false;   ///< passes the headers of a request to its handler
    bool inspect = false;   ///< answers `inspect`, or sends it
    /// Limits on a sender's unhandled notifications. Unlimited without the `notifications` extension.
    NotificationLimits ahead = {};
    bool notifications = false;  ///< reports how many notifications have ended, and accepts such reports
    bool ping = false;           ///< answers pings
    bool resume = false;         ///< reports on a new connection which requests of an earlier one are still running
    bool streams = false;        ///< supports streams
};

/// Returns all extensions of this library.
Capabilities full_offer(std::string session, std::size_t max_message,
                        NotificationLimits ahead = NotificationLimits::of({}));

/// Writes an offer as the JSON object of a hello.
std::string write_offer(const Capabilities& offer);

/// Reads the offer of a hello. Missing and malformed members are not offered. Without a session, nothing is offered.
Capabilities read_capabilities(const nlohmann::json& hello);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "capabilities.ipp"
#endif
