// MessagePack: JSON's values in fewer bytes, and bytes as they are.
#pragma once

#include "codec/msgpack_reader.hpp"
#include "codec/msgpack_writer.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

namespace communica {

/// MessagePack for the types that `JsonSerializer` takes. The bytes are those of Python's `msgpack.packb`, and it loads
/// what that dumps.
///
/// Every value is written in its shortest form, a `double` in nine bytes, a `float` in five, `std::byte`s as bin. Text is
/// UTF-8, keys are text, the depth is at most 128. In `nlohmann::json` bytes are its binary type, and extension types
/// are that with a subtype.
struct MsgpackSerializer {
    static constexpr const char* format = "msgpack";  ///< its name

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
