// How a type is written and read in any format. Other headers of this directory specialise it.
#pragma once

#include "reader.hpp"
#include "tree.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace communica {

/// A user's converter for a type. Specialise it with two functions: the type is sent as the value that `dump` returns.
/// An exception from `load` reaches the requester with the place of the value.
///
///     template <>
///     struct communica::Converter<Uuid> {
///         static std::string dump(const Uuid& value);
///         static Uuid load(const std::string& text);
///     };
template <class T>
struct Converter;

namespace codec {

/// How a `T` is written and read. Its members:
///
/// - `writes`, `reads`: whether it can be
/// - `write(writer, value)`, `read(reader)`
/// - `read_into(reader, value)`, optional: reads in place where that is cheaper
/// - `kinds`: the kinds of values that `read` accepts
/// - `expected()`: the name in error messages
///
/// The primary template is for types that nlohmann/json converts (`to_json`, `from_json`), through a tree.
template <class T>
struct Codec {
    static constexpr bool writes = std::is_constructible_v<nlohmann::json, const T&>;
    static constexpr bool reads = requires(const nlohmann::json& tree) { tree.template get<T>(); };
    static constexpr Kinds kinds = every_kind;
    static std::string expected() { return "a value of a type of its own"; }

    template <class W>
    static void write(W& writer, const T& value) {
        nlohmann::json tree;
        try {
            tree = nlohmann::json(value);
        } catch (const SerializerError&) {
            throw;
        } catch (const std::exception& e) {
            writer.fail(e.what());
        }
        write_tree(writer, tree);
    }
    template <class R>
    static T read(R& reader) {
        const nlohmann::json tree = read_tree(reader);
        try {
            return tree.template get<T>();
        } catch (const SerializerError&) {
            throw;
        } catch (const std::exception& e) {
            reader.fail(e.what());
        }
    }
};

/// Reads a `T` into an existing one.
template <class R, class T>
void read_into(R& reader, T& value) {
    if constexpr (requires { Codec<T>::read_into(reader, value); }) {
        Codec<T>::read_into(reader, value);
    } else {
        value = Codec<T>::read(reader);
    }
}

/// Character arrays and pointers are written as their text.
template <class T>
using Written =
    std::conditional_t<std::is_same_v<std::decay_t<T>, const char*> || std::is_same_v<std::decay_t<T>, char*>,
                       std::string_view, std::remove_cvref_t<T>>;

/// A type that every format writes: a scalar, text, bytes, a described struct or enum, optional, variant, chrono, a
/// standard container of these, a type with a `communica::Converter`, or one that nlohmann/json converts.
template <class T>
concept Writable = Codec<Written<T>>::writes;

/// A type that every format reads: as `Writable`, but no borrowed types.
template <class T>
concept Readable = std::same_as<T, std::remove_cvref_t<T>> && Codec<T>::reads;

template <>
struct Codec<nlohmann::json> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = every_kind;
    static std::string expected() { return "any value"; }

    template <class W>
    static void write(W& writer, const nlohmann::json& tree) {
        write_tree(writer, tree);
    }
    template <class R>
    static nlohmann::json read(R& reader) {
        return read_tree(reader);
    }
};

template <class T>
concept Converted = requires(const T& value) { Converter<T>::dump(value); };
template <class T>
using ConvertedTo = std::remove_cvref_t<decltype(Converter<T>::dump(std::declval<const T&>()))>;

template <Converted T>
struct Codec<T> {
    using As = ConvertedTo<T>;
    static constexpr bool writes = Codec<As>::writes;
    static constexpr bool reads = Codec<As>::reads && requires(As& as) {
        { Converter<T>::load(as) } -> std::convertible_to<T>;
    };
    static constexpr Kinds kinds = Codec<As>::kinds;
    static std::string expected() { return Codec<As>::expected(); }

    template <class W>
    static void write(W& writer, const T& value) {
        Codec<As>::write(writer, Converter<T>::dump(value));
    }
    template <class R>
    static T read(R& reader) {
        As as = Codec<As>::read(reader);
        try {
            return Converter<T>::load(as);
        } catch (const std::exception& e) {
            reader.fail(e.what());
        }
    }
};

/// Appends `value` in the writer's format.
template <class W, class T>
void dump(const T& value, Buffer& out) {
    W writer(out);
    if constexpr (std::is_same_v<Written<T>, std::string_view>) {
        writer.string(value);
    } else {
        Codec<T>::write(writer, value);
    }
    writer.finish();
}

/// Reads a `T` that takes all bytes of the reader.
template <class T, class R>
T load(R reader) {
    T value = Codec<T>::read(reader);
    reader.finish();
    return value;
}

}  // namespace codec
}  // namespace communica
