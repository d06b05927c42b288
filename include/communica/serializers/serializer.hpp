// What a serializer is.
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"

#include <concepts>
#include <type_traits>

namespace communica {

/// What a request without a value sends, and a handler without a result: JSON's null.
struct Nothing {};

/// Turns values into bytes and back. A serializer is a value: cheap to copy, its functions const and safe to call from
/// several threads at once.
///
/// - `dump(value, out)` appends to a buffer of the library's. What it appended before it threw is thrown away.
/// - `load<T>(bytes)` makes a `T` from borrowed bytes.
///
/// Both throw `SerializerError` (or any other exception, whose `what()` then travels in its place) for what does not
/// fit. Which types they take is asked where one is used (`Dumps`, `Loads`); every serializer dumps `Nothing`. Errors
/// and metadata always travel as JSON, whatever the serializer.
template <class S>
concept Serializer = std::copy_constructible<S> && requires(const S& serializer, const Nothing& nothing, Buffer& out) {
    { serializer.dump(nothing, out) } -> std::same_as<void>;
};

/// Can serializer `S` dump a `T`?
template <class S, class T>
concept Dumps = requires(const S& serializer, const T& value, Buffer& out) { serializer.dump(value, out); };

/// Can serializer `S` load a `T`?
template <class S, class T>
concept Loads = requires(const S& serializer, Bytes bytes) {
    { serializer.template load<T>(bytes) } -> std::same_as<T>;
};

}  // namespace communica
