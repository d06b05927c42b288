// The concept of a serializer.
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace communica {

/// The value of a request without a value and of a handler without a result: JSON's null.
struct Nothing {};

/// Converts values to bytes and back. A serializer is a value that is cheap to copy. Its functions are const and may be
/// called from several threads at once.
///
/// A serializer that parses nothing may say `static constexpr bool reads_shared = true`: then it reads bodies in memory
/// that the peer may still change. Other serializers get a copy.
///
/// - `dump(value, out)` appends to a buffer of the library, from which the socket is written. If it throws, the
///   appended bytes are dropped.
/// - `load<T>(bytes)` makes a `T` from borrowed bytes. They come from the peer: limit their depth, and use no length
///   before the bytes are there. A serializer that can keep the memory also has a `load<T>(Buffer&&)`, which is called
///   for large bodies.
///
/// Both throw `SerializerError` for an invalid value. Any other exception is sent with its `what()`. The supported
/// types are checked at the call (`Dumps`, `Loads`), because a request and its response may be of different types.
/// Every serializer dumps `Nothing`. Errors and metadata are always JSON, whatever the serializer.
///
/// A complete serializer, for lists of numbers (`examples/own_serializer.cpp`):
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

namespace codec {

/// Can serializer `S` load a `T` that takes over the memory of the bytes, by `load<T>(Buffer&&)`?
template <class S, class T>
concept LoadsInPlace = requires(const S& serializer, Buffer&& bytes) {
    { serializer.template load<T>(std::move(bytes)) } -> std::same_as<T>;
};

/// Does serializer `S` read memory that the peer may still change?
template <class S>
concept ReadsShared = S::reads_shared;

/// Copies bytes that the peer may still change: they move to `backing_buffer`.
// Not inlined, so that `load_from` is.
[[gnu::noinline]] inline Bytes copy_shared(Bytes bytes, Buffer& backing_buffer) {
    Buffer own;
    own.append(bytes);
    backing_buffer = std::move(own);
    return backing_buffer.bytes();
}

/// Loads a `T` from bytes in `backing_buffer`, which it may take over. Null: the bytes are borrowed.
template <class T, class S>
[[gnu::always_inline]] inline T load_from(const S& serializer, Bytes bytes, Buffer* backing_buffer) {
    if constexpr (!ReadsShared<S>) {
        if (backing_buffer != nullptr && backing_buffer->is_lent()) [[unlikely]] {
            bytes = copy_shared(bytes, *backing_buffer);
        }
    }
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

/// Dumps a value that is only a part of a message, or a message of the library's own: such have no descriptors.
template <class S, class T>
void dump_part(const S& serializer, const T& value, Buffer& out) {
    serializer.dump(value, out);
    if (out.attached() != nullptr) [[unlikely]] {
        out.release();
        throw SerializerError("descriptors pass only in requests, notifications and their answers");
    }
}

/// Fails to compile unless `S` can dump a `T`. The first lines of the compiler's message name both, and the concept.
template <class S, class T>
struct MustDump {
    /// True; otherwise the compiler has reported an error.
    static constexpr bool value = Dumps<S, T>;
    static_assert(Dumps<S, T>,
                  "communica: this serializer cannot dump a value of this type (concept communica::Dumps)");
};

/// The same for loading.
template <class S, class T>
struct MustLoad {
    /// True; otherwise the compiler has reported an error.
    static constexpr bool value = Loads<S, T>;
    static_assert(Loads<S, T>,
                  "communica: this serializer cannot load a value of this type (concept communica::Loads)");
};

}  // namespace codec

}  // namespace communica
