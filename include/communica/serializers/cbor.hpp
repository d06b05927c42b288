// CBOR (RFC 8949): the values of JSON in fewer bytes, and raw bytes.
#pragma once

#include "codec/cbor_reader.hpp"
#include "codec/cbor_writer.hpp"
#include "codec/types.hpp"
#include "serializer.hpp"

namespace communica {

/// CBOR for the types of `JsonSerializer`.
///
/// Writes the preferred form, except for floats: a `double` takes nine bytes, a `float` five. Also loads indefinite
/// lengths and floats of two bytes. `undefined` is null. Tags are skipped; those of big integers are refused if the
/// value does not fit 64 bits. Text must be UTF-8, keys must be text, the depth is at most 128.
struct CborSerializer {
    static constexpr const char* format = "cbor";  ///< the format's name

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
