#pragma once

#include "../plain_text.hpp"
#include "json_events.hpp"

#include <utility>

namespace communica::wire {

COMMUNICA_INLINE std::string quote_json(std::string_view value) {
    if (base::plain_end(value.data(), value.data() + value.size()) != value.data() + value.size()) {
        return nlohmann::json(value).dump();
    }
    std::string quoted(value.size() + 2, '"');
    value.copy(quoted.data() + 1, value.size());
    return quoted;
}

COMMUNICA_INLINE bool parse_json(std::string_view text, JsonEvents& events) {
    auto bytes = nlohmann::detail::input_adapter(text.begin(), text.end());
    // NOLINTNEXTLINE(*-move-const-arg): the parser takes an rvalue
    return nlohmann::detail::parser<nlohmann::json, decltype(bytes)>(std::move(bytes)).sax_parse(&events);
}

}  // namespace communica::wire
