// The body of a resumption: which requests of the other side have not been forgotten (docs/protocol.md, "Resume").
#pragma once

#include "../buffer.hpp"

#include <string_view>

namespace communica::wire {

/// Writes a JSON array of ids, which need no escapes: `["id", "id"]`. `each(add)` calls `add(id)` for every one.
template <class Each>
void write_resumption(Buffer& out, Each each) {
    std::string_view before = "[\"";
    each([&](std::string_view id) {
        out.append(before);
        out.append(id);
        out.push_back('"');
        before = ", \"";
    });
    out.append(before == "[\"" ? "[]" : "]");
}

/// Calls `visit(id)` for each id in a resumption, of which there may be many more than anybody asked. Says whether it is
/// one: what is not of this form may have been visited in part.
template <class Visit>
bool read_resumption(Bytes body, Visit visit) {
    std::string_view text = as_text(body);
    if (text == "[]") {
        return true;
    }
    bool has_ids = false;
    for (std::string_view before = "[\""; text.starts_with(before); before = ", \"") {
        text.remove_prefix(before.size());
        const std::size_t end = text.find('"');
        if (end == std::string_view::npos) {
            return false;
        }
        visit(text.substr(0, end));
        has_ids = true;
        text.remove_prefix(end + 1);
    }
    return text == "]" && has_ids;
}

}  // namespace communica::wire
