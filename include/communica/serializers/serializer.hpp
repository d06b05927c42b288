// What a serializer is.
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace communica {

/// What a request without a value sends, and a handler without a result: JSON's null.
struct Nothing {};

/// Turns values into bytes and back. A serializer is a value: cheap to copy, its functions const and safe to call from
/// several threads at once.
///
/// - `dump(value, out)` appends to a buffer of the library's, from which the socket is written. What it appended before
///   it threw is thrown away.
/// - `load<T>(bytes)` makes a `T` from borrowed bytes. They come from the other side: bound their depth, and believe no
///   length before the bytes are there. One that can keep the memory itself has a `load<T>(Buffer&&)` too, which large
///   bodies are given to.
///
/// Both throw `SerializerError` (or any other exception, whose `what()` then travels in its place) for what does not
/// fit. Which types they take is asked where one is used (`Dumps`, `Loads`): a request and its answer may be of different
/// ones, and every serializer dumps `Nothing`. Errors and metadata always travel as JSON, whatever the serializer.
///
/// A whole one, for lists of numbers (`examples/own_serializer.cpp`):
///
///     struct CommaSeparated {
///         void dump(communica::Nothing, communica::Buffer&) const {}
///         void dump(const std::vector<int>& numbers, communica::Buffer& out) const { ... out.append(digits); ... }
///
///         template <std::same_as<std::vector<int>> T>
///         T load(communica::Bytes bytes) const { ... throw communica::SerializerError("not a number"); ... }
///     };
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

/// Can it make one of the very memory that the bytes are in, as `load<T>(Buffer&&)`?
template <class S, class T>
concept LoadsInPlace = requires(const S& serializer, Buffer&& bytes) {
    { serializer.template load<T>(std::move(bytes)) } -> std::same_as<T>;
};

/// Loads a `T` from bytes that lie in `memory`, which may be had, or are borrowed if that is null.
template <class T, class S>
T load_from(const S& serializer, Bytes bytes, Buffer* backing_buffer) {
    if constexpr (LoadsInPlace<S, T>) {
        if (backing_buffer != nullptr) {
            const auto begin = static_cast<std::size_t>(as_text(bytes).data() - backing_buffer->data());
            Buffer owned = std::move(*backing_buffer);
            owned.truncate(begin + bytes.size());
            owned.drop_front(begin);
            return serializer.template load<T>(std::move(owned));
        }
    }
    return serializer.template load<T>(bytes);
}

/// Does not compile unless `S` can dump a `T`; the first lines of the compiler's message name both, and the concept.
template <class S, class T>
struct MustDump {
    /// True, or the compiler has said why not.
    static constexpr bool value = Dumps<S, T>;
    static_assert(Dumps<S, T>,
                  "communica: this serializer cannot dump a value of this type (concept communica::Dumps)");
};

/// The same for loading.
template <class S, class T>
struct MustLoad {
    /// True, or the compiler has said why not.
    static constexpr bool value = Loads<S, T>;
    static_assert(Loads<S, T>,
                  "communica: this serializer cannot load a value of this type (concept communica::Loads)");
};

}  // namespace communica
