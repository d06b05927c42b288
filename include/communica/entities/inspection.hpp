// The inspection of a server (docs/protocol.md, "Inspection").
#pragma once

#include "../peer/handlers.hpp"
#include "../separate_compilation.hpp"
#include "clients.hpp"
#include "options.hpp"

#include <cstddef>
#include <string>

namespace communica::entities {

/// The maximum number of clients listed.
inline constexpr std::size_t max_inspected_clients = 1000;

/// Returns a JSON object with the server's name, routes, limits, counters and clients. Throws `RequesterError` if `who`
/// may not inspect it.
std::string inspect(const Credentials& who, const ServerOptions& options, const std::string& address,
                    const peer::Handlers& handlers, const Clients& clients);

}  // namespace communica::entities

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "inspection.ipp"
#endif
