// The interface of every format's reader.
#pragma once

#include "../../buffer.hpp"
#include "../../plain_text.hpp"
#include "number.hpp"
#include "place.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace communica::codec {

/// The overhead of an allocation, as with glibc.
inline constexpr std::size_t block_cost = 16;
/// The overhead of a value in a tree or a list, with its links.
inline constexpr std::size_t node_cost = 48;

/// The kind of a value, known before it is read. An `extension` is a value with bytes whose type only the format knows.
enum class Kind : std::uint8_t { null, boolean, number, string, bytes, array, object, extension };

/// A set of kinds, as bits.
using Kinds = unsigned;
constexpr Kinds kinds(auto... kind) noexcept { return (0U | ... | (1U << static_cast<unsigned>(kind))); }
inline constexpr Kinds every_kind = ~0U;
constexpr bool contains(Kinds set, Kind kind) noexcept { return (set & kinds(kind)) != 0; }

/// The names of a described struct's fields, in order: types with a `text`.
template <class... Name>
struct Names {};

/// A cursor over borrowed bytes. Copies look ahead. A `read_...` function may be called only for a value of its kind.
///
/// - `read_string` and `read_bytes` return a view of the bytes, or of the scratch space if the value is not contiguous
///   there.
/// - `read_array` calls its argument for each element, `read_object` with the key of each field. Each call must read
///   one value. They track the place, and throw if the nesting exceeds `max_depth`.
/// - `finish` throws if anything follows.
template <class R>
concept Reader = std::derived_from<R, Position> && std::copy_constructible<R> &&
                 requires(R& reader, std::string& scratch, void (*element)(), void (*field)(std::string_view)) {
                     { R::has_bytes } -> std::convertible_to<bool>;
                     { reader.peek() } -> std::same_as<Kind>;
                     { reader.read_null() } -> std::same_as<void>;
                     { reader.read_bool() } -> std::same_as<bool>;
                     { reader.read_number() } -> std::same_as<Number>;
                     { reader.read_string(scratch) } -> std::same_as<std::string_view>;
                     { reader.read_array(element) } -> std::same_as<void>;
                     { reader.read_object(field) } -> std::same_as<void>;
                     { reader.finish() } -> std::same_as<void>;
                 };

/// Reads an object. Calls `known` for keys that come in the order of `names`, and `field` for others. A reader may have
/// a faster way.
template <Reader R, class... Name, class Known, class Field>
void read_object(R& reader, Names<Name...> names, Known&& known, Field&& field) {
    if constexpr (requires { reader.read_object(names, known, field); }) {
        reader.read_object(names, known, field);
    } else {
        reader.read_object(field);
    }
}

/// Skips the next value, which must be well-formed.
template <Reader R>
void skip(R& reader) {
    if constexpr (requires { reader.skip(); }) {
        reader.skip();
    } else {
        std::string scratch;
        switch (reader.peek()) {
            case Kind::null: reader.read_null(); break;
            case Kind::boolean: reader.read_bool(); break;
            case Kind::number: reader.read_number(); break;
            case Kind::string: reader.read_string(scratch); break;
            case Kind::array: reader.read_array([&reader] { codec::skip(reader); }); break;
            default: reader.read_object([&reader](std::string_view) { codec::skip(reader); }); break;
        }
    }
}

/// Charges what a string of this size allocates.
template <Reader R>
void charge_text(const R& reader, std::size_t size) {
    if (size > sizeof(std::string) / 2 - 1) {  // a short string allocates nothing
        reader.charge(size + block_cost);
    }
}

/// Grows a full vector; at first to `few` elements.
template <Reader R, class V>
void make_room(const R& reader, V& values, std::size_t few) {
    using E = typename V::value_type;
    constexpr std::size_t elements_a_byte = std::is_same_v<E, bool> ? 8 : 1;
    if (values.size() == values.capacity()) [[unlikely]] {
        const std::size_t more = std::max(few, values.capacity());
        reader.charge(more * sizeof(E) / elements_a_byte + block_cost);
        values.reserve(values.capacity() + more);
    }
}

/// `text` in quotes for an error message, shortened.
inline std::string quoted(std::string_view text) {
    const std::string_view start = base::shortened(text, 40);
    std::string result = "\"";
    for (const char byte : start) {
        result += static_cast<unsigned char>(byte) < ' ' ? '?' : byte;
    }
    return result + (start.size() != text.size() ? "..." : "") + '"';
}

/// A description of the next value for an error message. Works on a copy of the reader.
template <Reader R>
std::string found(R reader) {
    std::string scratch;
    switch (reader.peek()) {
        case Kind::null: return "null";
        case Kind::boolean: return reader.read_bool() ? "true" : "false";
        case Kind::number: return text_of(reader.read_number());
        case Kind::string: return quoted(reader.read_string(scratch));
        case Kind::array: return "an array";
        case Kind::object: return "an object";
        case Kind::extension:
            if constexpr (requires(std::uint8_t type) { reader.read_extension(type); }) {
                std::uint8_t type = 0;
                reader.read_extension(type);
                return "an extension of type " + std::to_string(static_cast<std::int8_t>(type));
            }
            break;
        case Kind::bytes:
            if constexpr (R::has_bytes) {
                return std::to_string(reader.read_bytes(scratch).size()) + " bytes";
            }
            break;
    }
    return "bytes";
}

/// Throws an error for a value of the wrong kind or content.
template <Reader R>
[[noreturn]] void wrong(const R& reader, const std::string& expected) {
    reader.fail("expected " + expected + ", got " + found(reader));
}

/// Throws unless the next value is of this kind.
template <Reader R>
void require_kind(R& reader, Kind kind, std::string_view expected) {
    if (reader.peek() != kind) {
        wrong(reader, std::string(expected));
    }
}

}  // namespace communica::codec
