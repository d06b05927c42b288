// CBOR (RFC 8949): JSON's values in fewer bytes, and bytes as they are.
#pragma once

#include "codec/cbor_reader.hpp"
#include "codec/cbor_writer.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

namespace communica {

/// CBOR for the types that `JsonSerializer` takes.
///
/// Written in the preferred form, but for floats: a `double` has nine bytes, a `float` five. It loads also what is of
/// indefinite length, and floats of two bytes. `undefined` is null; tags are read past, but those of big integers, which
/// do not fit. Text is UTF-8, keys are text, the depth is at most 128.
struct CborSerializer {
    static constexpr const char* format = "cbor";  ///< its name

    template <class T>
        requires codec::Writable<T>
    void dump(const T& value, Buffer& out) const {
        codec::dump<codec::CborWriter>(value, out);
    }

    template <class T>
        requires codec::Readable<T>
    T load(Bytes bytes) const {
        return codec::load<T>(codec::CborReader(bytes));
    }
};

}  // namespace communica
