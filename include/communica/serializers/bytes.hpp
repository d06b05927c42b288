// A serializer of raw bytes, for bodies in a format of their own or none.
#pragma once

#include "../buffer.hpp"
#include "serializer.hpp"

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace communica {

/// Sends bytes and contiguous ranges of them: `Bytes`, `std::vector<std::byte>`, `std::string`, `Buffer`. Nothing is
/// parsed and nothing fails. `Nothing` has no bytes.
///
/// Loaded values may be borrowed: a handler that is not a coroutine can take `Bytes` or `std::string_view`, which are
/// valid during its call, and nothing is copied. An owned value is copied once. A large `Buffer` is not copied: it
/// takes over the memory of the message. A `Buffer` returned by a handler becomes the message.
///
/// Bytes in lent memory are not copied either, except into owned values other than a `Buffer`: the peer may change them
/// while they are read.
struct BytesSerializer {
    /// It parses nothing, so that bytes may change while they are read.
    static constexpr bool reads_shared = true;

    void dump(Nothing, Buffer&) const noexcept {}
    void dump(Bytes value, Buffer& out) const { out.append(value); }
    void dump(std::string_view value, Buffer& out) const { out.append(value); }
    void dump(const Buffer& value, Buffer& out) const { out.append(value.bytes()); }
    void dump(Buffer&& value, Buffer& out) const {
        if (out.empty()) {
            out = std::move(value);
        } else {
            out.append(value.bytes());
        }
    }

    template <class T>
        requires std::same_as<T, Bytes> || std::same_as<T, std::string_view> || std::same_as<T, std::string> ||
                 std::same_as<T, std::vector<std::byte>> || std::same_as<T, Buffer>
    T load(Bytes bytes) const {
        if constexpr (std::same_as<T, Bytes>) {
            return bytes;
        } else if constexpr (std::same_as<T, Buffer>) {
            Buffer owned;
            owned.append(bytes);
            return owned;
        } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
            return {bytes.begin(), bytes.end()};
        } else {
            return T(as_text(bytes));
        }
    }
    template <std::same_as<Buffer> T>
    T load(Buffer&& bytes) const noexcept {
        return std::move(bytes);
    }
};

}  // namespace communica
