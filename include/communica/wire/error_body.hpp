// The body of an error response: `{"code": 404, "message": "..."}` (docs/protocol.md, "Errors").
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "metadata.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace communica::wire {

/// The errors of the library that have a name on the wire, under a third key which the Python library ignores.
inline constexpr std::array<std::pair<errc, std::string_view>, 6> named_errors{{
    {errc::busy, "busy"},
    {errc::draining, "draining"},
    {errc::closed, "closed"},
    {errc::timeout, "timeout"},
    {errc::message_too_large, "message_too_large"},
    {errc::replaced, "replaced"},
}};

/// The largest body of an error that is read or written, in bytes.
inline constexpr std::size_t max_error_body = 64 * 1024;

/// A text as JSON, shortened if it is too long for an error.
std::string quote_error_text(const std::string& text);

/// The name of an error on the wire; empty if it has none.
std::string_view name_of(std::error_code code) noexcept;

std::optional<errc> errc_named(std::string_view name) noexcept;

MessageType error_type(const Error& error) noexcept;

/// Writes the body of an error response.
void write_error_body(Buffer& out, const Error& error);

/// Reads the body of an error response. An invalid body still gives an error, so that the requester does not wait.
Error read_error_body(MessageType type, Bytes bytes);

/// The same. Where there is no memory for it, that is the error.
Error error_of(MessageType type, Bytes bytes) noexcept;

}  // namespace communica::wire

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "error_body.ipp"
#endif
