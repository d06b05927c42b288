// JSON parsed by simdjson. Not in communica.hpp: link communica::fast_json.
#pragma once

#include "codec/json_reader.hpp"
#include "codec/json_writer.hpp"
#include "codec/simdjson_reader.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

#include <simdjson.h>

#include <cstddef>
#include <new>
#include <string_view>

namespace communica {

/// `JsonSerializer` with another parser: takes the same types, writes the same bytes, accepts and refuses the same texts in
/// the same words.
///
/// Each thread that loads keeps a parser for texts of up to 64 KiB, with some 500 KiB of memory; a longer text gets one of
/// its own.
struct FastJsonSerializer {
    template <class T>
        requires codec::Writable<T>
    void dump(const T& value, Buffer& out) const {
        codec::dump<codec::JsonWriter>(value, out);
    }

    template <class T>
        requires codec::Readable<T>
    T load(Bytes bytes) const {
        if (bytes.size() <= kept_capacity) {
            thread_local simdjson::dom::parser parser = make_parser(kept_capacity);
            return load<T>(bytes, parser);
        }
        simdjson::dom::parser parser = make_parser(bytes.size());
        return load<T>(bytes, parser);
    }

 private:
    static constexpr std::size_t kept_capacity = std::size_t{64} * 1024;

    static simdjson::dom::parser make_parser(std::size_t capacity) {
        simdjson::dom::parser parser;
        if (parser.allocate(capacity, codec::max_depth) != simdjson::SUCCESS) {
            throw std::bad_alloc();
        }
        return parser;
    }

    template <class T>
    static T load(Bytes bytes, simdjson::dom::parser& parser) {
        std::string_view text = as_text(bytes);
        if (text.starts_with("\xef\xbb\xbf")) {
            text.remove_prefix(3);
        }
        simdjson::dom::element root;
        if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
            return codec::load<T>(codec::JsonReader(bytes));  // says where it is wrong, and what
        }
        return codec::load<T>(codec::SimdjsonReader(root));
    }
};

}  // namespace communica
