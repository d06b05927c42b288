// JSON: the default serializer.
#pragma once

#include "codec/json_reader.hpp"
#include "codec/json_writer.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

#include <cstddef>

namespace communica {

/// JSON for every `codec::Writable` and `codec::Readable` type: described structs and enums, scalars, text, the
/// standard library's containers, `nlohmann::json`, and the types that nlohmann/json converts (`to_json`, `from_json`,
/// its macros). Only the last two build a tree.
///
/// Text must be UTF-8; the depth is at most 128. Values that JSON or the machine's numbers can't hold are refused,
/// never altered: integers beyond 64 bits that are not the digits of a double, NaN and infinity, invalid UTF-8, UTF-16
/// and UTF-32. The last of several equal keys wins.
struct JsonSerializer {
    /// The deepest nesting that is read and written.
    static constexpr std::size_t max_depth = codec::max_depth;
    /// The format's name, for descriptions.
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
