// The body of a resumption: which requests of the other side have not been forgotten (docs/protocol.md, "Resume").
#pragma once

#include "../buffer.hpp"

#include <optional>
#include <string_view>
#include <vector>

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

/// The ids in a resumption, borrowed from it; none if it is not of this form.
inline std::optional<std::vector<std::string_view>> read_resumption(Bytes body) {
    std::string_view text = as_text(body);
    std::vector<std::string_view> ids;
    if (text == "[]") {
        return ids;
    }
    for (std::string_view before = "[\""; text.starts_with(before); before = ", \"") {
        text.remove_prefix(before.size());
        const std::size_t end = text.find('"');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        ids.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return text == "]" && !ids.empty() ? std::optional(std::move(ids)) : std::nullopt;
}

}  // namespace communica::wire
