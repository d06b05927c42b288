// The body of a goodbye: why no more requests may be sent (docs/protocol.md, "Goodbye").
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"
#include "error_body.hpp"

#include <string_view>

namespace communica::wire {

/// Writes the name of `why` as a JSON string: `"draining"`, `"replaced"`.
inline void write_goodbye(Buffer& out, errc why) {
    out.push_back('"');
    out.append(name_of(why));
    out.push_back('"');
}

/// The reason in a goodbye; `closed` if it is unknown.
inline errc read_goodbye(Bytes body) {
    const std::string_view text = as_text(body);
    const bool quoted = text.size() > 2 && text.front() == '"' && text.back() == '"';
    return errc_named(quoted ? text.substr(1, text.size() - 2) : std::string_view()).value_or(errc::closed);
}

}  // namespace communica::wire
