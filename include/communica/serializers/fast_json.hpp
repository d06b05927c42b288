// JSON parsed by simdjson. Not in communica.hpp: link communica::fast_json.
#pragma once

#include "codec/json_reader.hpp"
#include "codec/json_writer.hpp"
#include "codec/simdjson_reader.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

#include <simdjson.h>

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

/// An untyped value parsed by simdjson, with its memory. Loads many times faster than `nlohmann::json`, and is
/// read-only. Movable, not copyable. Of equal keys, simdjson's own look-up finds the first.
class FastJsonDocument {
 public:
    /// Constructs an empty document.
    FastJsonDocument() = default;

    explicit operator bool() const noexcept { return parser_ != nullptr; }
    /// The root of the document, borrowed from it. The document must not be empty.
    simdjson::dom::element root() const noexcept { return root_; }

 private:
    friend struct FastJsonSerializer;
    FastJsonDocument(std::unique_ptr<simdjson::dom::parser> parser, simdjson::dom::element root)
        : parser_(std::move(parser)), root_(root) {}

    std::unique_ptr<simdjson::dom::parser> parser_;
    simdjson::dom::element root_;
};

/// `JsonSerializer` with another parser: the same types, the same bytes, and the same errors for the same texts.
///
/// Loads structs as fast as `JsonSerializer`, and a `FastJsonDocument` many times faster than a `nlohmann::json` (see
/// `benchmarks/serializers.cpp`).
///
/// Each thread that loads keeps a parser for texts of up to 64 KiB, with about 500 KiB of memory. A longer text has a
/// parser of its own, with 14 bytes per byte of text, which count against `Limits::max_expansion`.
struct FastJsonSerializer {
    static constexpr const char* format = "json";  ///< the format's name

    template <class T>
        requires codec::Writable<T>
    void dump(const T& value, Buffer& out) const {
        codec::dump<codec::JsonWriter>(value, out);
    }

    void dump(const FastJsonDocument& document, Buffer& out) const {
        if (document) {
            out.append(std::string_view(simdjson::to_string(document.root())));
        } else {
            out.append("null");
        }
    }

    template <std::same_as<FastJsonDocument> T>
    T load(Bytes bytes) const {
        auto parser = std::make_unique<simdjson::dom::parser>(make_parser(bytes.size()));
        simdjson::dom::element root;
        if (!parse(bytes, *parser, root)) {
            codec::load<nlohmann::json>(codec::JsonReader(bytes));  // throws with the place and the reason
            throw SerializerError("an integer beyond 64 bits, which simdjson does not read");
        }
        return {std::move(parser), root};
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

    /// Bytes that a parser allocates for each byte of text.
    static constexpr std::size_t bytes_a_byte = 14;

    static simdjson::dom::parser make_parser(std::size_t capacity) {
        if (capacity > kept_capacity && !codec::Allowance::take(bytes_a_byte * capacity)) {
            throw SerializerError(std::string(codec::Allowance::refusal));
        }
        simdjson::dom::parser parser;
        if (parser.allocate(capacity, codec::max_depth) != simdjson::SUCCESS) {
            throw std::bad_alloc();
        }
        return parser;
    }

    static bool parse(Bytes bytes, simdjson::dom::parser& parser, simdjson::dom::element& root) {
        std::string_view text = as_text(bytes);
        if (text.starts_with("\xef\xbb\xbf")) {
            text.remove_prefix(3);
        }
        return parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS;
    }

    template <class T>
    static T load(Bytes bytes, simdjson::dom::parser& parser) {
        simdjson::dom::element root;
        if (!parse(bytes, parser, root)) {
            return codec::load<T>(codec::JsonReader(bytes));  // throws with the place and the reason
        }
        return codec::load<T>(codec::SimdjsonReader(root));
    }
};

}  // namespace communica
