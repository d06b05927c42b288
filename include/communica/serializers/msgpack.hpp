// MessagePack: the values of JSON in fewer bytes, and raw bytes.
#pragma once

#include "codec/msgpack_reader.hpp"
#include "codec/msgpack_writer.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

namespace communica {

/// MessagePack for the types of `JsonSerializer`. Writes the same bytes as Python's `msgpack.packb`, and loads them.
///
/// Writes each value in its shortest form, a `double` in nine bytes, a `float` in five, `std::byte`s as bin. Text must
/// be UTF-8, keys must be text, the depth is at most 128. In `nlohmann::json`, bytes are its binary type, and extension
/// types are that with a subtype.
struct MsgpackSerializer {
    static constexpr const char* format = "msgpack";  ///< the format's name

    template <class T>
        requires codec::Writable<T>
    void dump(const T& value, Buffer& out) const {
        codec::dump<codec::MsgpackWriter>(value, out);
    }

    template <class T>
        requires codec::Readable<T>
    T load(Bytes bytes) const {
        return codec::load<T>(codec::MsgpackReader(bytes));
    }
};

}  // namespace communica
