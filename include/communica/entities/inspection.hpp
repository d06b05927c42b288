// What a server says of itself (docs/protocol.md, "Inspection").
#pragma once

#include "../peer/handlers.hpp"
#include "../separate_compilation.hpp"
#include "clients.hpp"
#include "options.hpp"

#include <cstddef>
#include <string>

namespace communica::entities {

/// Clients that are told of one by one.
inline constexpr std::size_t max_inspected_clients = 1000;

/// A JSON object: who the server is, its routes, limits, counters and clients. Throws `RequesterError` if `who` is not to know.
std::string inspect(const Credentials& who, const ServerOptions& options, const std::string& address,
                    const peer::Handlers& handlers, const Clients& clients);

}  // namespace communica::entities

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "inspection.ipp"
#endif
