// The keys of described structs in JSON text.
#pragma once

#include "utf8.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace communica::codec {

/// A name that needs no escapes.
template <class Name>
concept PlainName = base::is_plain(Name::text);

/// The key in quotes, with a colon.
template <PlainName Name>
inline constexpr auto json_key = [] {
    std::array<char, Name::text.size() + 3> key{'"'};
    std::copy(Name::text.begin(), Name::text.end(), key.begin() + 1);
    key[key.size() - 2] = '"';
    key[key.size() - 1] = ':';
    return key;
}();

}  // namespace communica::codec
