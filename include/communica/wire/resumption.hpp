// The body of a resumption: the peer's requests that are still in progress (docs/protocol.md, "Resume").
#pragma once

#include "../buffer.hpp"
#include "json_events.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace communica::wire {

/// Writes a JSON array of ids: `["id", "id"]`. `each(add)` calls `add(id)` for each.
template <class Each>
void write_resumption(Buffer& out, Each each) {
    std::string_view before = "[";
    each([&](std::string_view id) {
        out.append(before);
        out.append(quote_json(id));
        before = ", ";
    });
    out.append(before == "[" ? "[]" : "]");
}

/// Calls `visit(id)` for each id in a resumption, which may have more ids than there are requests. Ids with escapes are
/// passed as they are; no request of this side has one. Returns whether the body is valid; an invalid one may be
/// visited in part.
template <class Visit>
bool read_resumption(Bytes body, Visit visit) {
    std::string_view text = as_text(body);
    const auto skip_space = [&text] { text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size())); };
    const auto take = [&](char wanted) {
        skip_space();
        const bool found = text.starts_with(wanted);
        text.remove_prefix(found ? 1 : 0);
        return found;
    };
    if (!take('[')) {
        return false;
    }
    if (!take(']')) {
        do {
            if (!take('"')) {
                return false;
            }
            std::size_t end = 0;
            while (end < text.size() && text[end] != '"') {
                end += text[end] == '\\' ? 2 : 1;
            }
            if (end >= text.size()) {
                return false;
            }
            visit(text.substr(0, end));
            text.remove_prefix(end + 1);
        } while (take(','));
        if (!take(']')) {
            return false;
        }
    }
    skip_space();
    return text.empty();
}

}  // namespace communica::wire
