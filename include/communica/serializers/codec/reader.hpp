// What every format's reader offers to the types that are read from it.
#pragma once

#include "../../buffer.hpp"
#include "number.hpp"
#include "place.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace communica::codec {

/// What a value is, before it is read. An `extension` is a value of a type that only the format knows, with bytes.
enum class Kind : std::uint8_t { null, boolean, number, string, bytes, array, object, extension };

/// A set of kinds, as bits.
using Kinds = unsigned;
constexpr Kinds kinds(auto... kind) noexcept { return (0U | ... | (1U << static_cast<unsigned>(kind))); }
inline constexpr Kinds every_kind = ~0U;
constexpr bool contains(Kinds set, Kind kind) noexcept { return (set & kinds(kind)) != 0; }

/// The names of a described struct's fields, in order: types with a `text`.
template <class... Name>
struct Names {};

/// A cursor over borrowed bytes. It is copied to look ahead. `read_...` are called for a value of that kind alone.
///
/// - `read_string` and `read_bytes` give a view of the bytes, or of the scratch space if the value does not stand there
///   in one piece.
/// - `read_array` calls its argument for each element, `read_object` with the key of each field; both have to read one
///   value. They keep the place, and throw before they are nested deeper than `max_depth`.
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

/// Reads an object, calling `known` with those of `names` that come as expected, and `field` with any other key. A reader
/// may have a quicker way.
template <Reader R, class... Name, class Known, class Field>
void read_object(R& reader, Names<Name...> names, Known&& known, Field&& field) {
    if constexpr (requires { reader.read_object(names, known, field); }) {
        reader.read_object(names, known, field);
    } else {
        reader.read_object(field);
    }
}

/// Reads past the next value, which has to be as well formed as any.
template <Reader R>
void skip(R& reader) {
    if constexpr (requires { reader.skip(); }) {
        reader.skip();
        return;
    }
    std::string scratch;
    switch (reader.peek()) {
        case Kind::null: reader.read_null(); break;
        case Kind::boolean: reader.read_bool(); break;
        case Kind::number: reader.read_number(); break;
        case Kind::string: reader.read_string(scratch); break;
        case Kind::array: reader.read_array([&reader] { skip(reader); }); break;
        case Kind::object: reader.read_object([&reader](std::string_view) { skip(reader); }); break;
        case Kind::bytes:
            if constexpr (R::has_bytes) {
                reader.read_bytes(scratch);
            }
            break;
        case Kind::extension:
            if constexpr (requires { reader.read_extension(scratch); }) {
                reader.read_extension(scratch);
            }
            break;
    }
}

/// `text` in quotes for a message, cut where it gets long.
inline std::string quoted(std::string_view text) {
    std::size_t most = 40;
    const bool cut = text.size() > most;
    while (cut && most != 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) {
        --most;  // not in the middle of a character
    }
    std::string result = "\"";
    for (const char byte : text.substr(0, most)) {
        result += static_cast<unsigned char>(byte) < ' ' ? '?' : byte;
    }
    return result + (cut ? "..." : "") + '"';
}

/// What the next value is, for a message. Does not move the reader.
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
        case Kind::extension: return "an extension type";
        case Kind::bytes:
            if constexpr (R::has_bytes) {
                return std::to_string(reader.read_bytes(scratch).size()) + " bytes";
            }
            break;
    }
    return "bytes";
}

/// Throws that the next value is not what was expected.
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
