// JSON: the serializer that is used when none is named.
#pragma once

#include "codec/json_reader.hpp"
#include "codec/json_writer.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

#include <cstddef>

namespace communica {

/// JSON for every `codec::Writable` and `codec::Readable` type: described structs and enums, scalars, text, the standard
/// library's containers, `nlohmann::json`, and whatever nlohmann/json converts (`to_json`, `from_json`, its macros).
/// Only the last two build a tree.
///
/// Text is UTF-8, at most 128 levels deep. What JSON or the machine's numbers cannot hold is refused, never altered:
/// integers beyond 64 bits that are no double's digits, NaN and infinity, invalid UTF-8, UTF-16 and UTF-32. Of two equal keys
/// the last one counts.
struct JsonSerializer {
    /// Levels of nesting that are read and written.
    static constexpr std::size_t max_depth = codec::max_depth;
    /// What its bytes are, for descriptions.
    static constexpr const char* format = "json";

    template <class T>
        requires codec::Writable<T>
    void dump(const T& value, Buffer& out) const {
        codec::dump<codec::JsonWriter>(value, out);
    }

    template <class T>
        requires codec::Readable<T>
    T load(Bytes bytes) const {
        return codec::load<T>(codec::JsonReader(bytes));
    }
};

}  // namespace communica
