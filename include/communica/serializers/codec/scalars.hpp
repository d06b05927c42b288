// Null, booleans, numbers, text and bytes.
#pragma once

#include "../serializer.hpp"
#include "base64.hpp"
#include "codec.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace communica::codec {

template <>
struct Codec<Nothing> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::null);
    static std::string expected() { return "null"; }

    template <class W>
    static void write(W& writer, Nothing) {
        writer.null();
    }
    template <class R>
    static Nothing read(R& reader) {
        require_kind(reader, Kind::null, expected());
        reader.read_null();
        return {};
    }
};

template <>
struct Codec<bool> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::boolean);
    static std::string expected() { return "boolean"; }

    template <class W>
    static void write(W& writer, bool value) {
        writer.boolean(value);
    }
    template <class R>
    static bool read(R& reader) {
        require_kind(reader, Kind::boolean, "boolean");
        return reader.read_bool();
    }
};

template <Arithmetic T>
struct Codec<T> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::number);
    static std::string expected() { return expected_number<T>(); }

    template <class W>
    static void write(W& writer, T value) {
        if constexpr (std::floating_point<T>) {
            static_assert(sizeof(T) <= sizeof(double), "communica: no format has numbers beyond a double");
            writer.floating(value);
        } else if constexpr (std::signed_integral<T>) {
            writer.integer(std::int64_t{value});
        } else {
            writer.integer(std::uint64_t{value});
        }
    }
    template <class R>
    static T read(R& reader) {
        if (reader.peek() != Kind::number) {
            wrong(reader, expected());
        }
        Number number = reader.read_number();
        if constexpr (Integer<T> && R::has_bytes) {
            number = whole(number);
        }
        if (const auto value = number_as<T>(number)) {
            return *value;
        }
        misfit(reader, number);
    }

 private:
    template <class R>
    [[noreturn]] static void misfit(const R& reader, const Number& number) {
        reader.fail("expected " + expected() + ", got " + text_of(number));
    }
};

template <>
struct Codec<std::string> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::string);
    static std::string expected() { return "string"; }

    template <class W>
    static void write(W& writer, std::string_view value) {
        writer.string(value);
    }
    template <class R>
    static std::string read(R& reader) {
        require_kind(reader, Kind::string, "string");
        std::string scratch;
        const std::string_view text = reader.read_string(scratch);
        charge_text(reader, text.size());
        return text.data() == scratch.data() ? std::move(scratch) : std::string(text);
    }
    template <class R>
    static void read_into(R& reader, std::string& text) {
        require_kind(reader, Kind::string, "string");
        const std::string_view read = reader.read_string(text);
        charge_text(reader, read.size());
        if (read.data() != text.data()) {
            text.assign(read);
        }
    }
};

template <>
struct Codec<std::string_view> : Codec<std::string> {
    static constexpr bool reads = false;
};

/// Bytes: raw if the format has bytes, otherwise in base64.
struct BytesCodec {
    static constexpr bool writes = true;
    static constexpr Kinds kinds = codec::kinds(Kind::bytes, Kind::string);
    static std::string expected() { return "bytes"; }

    template <class W>
    static void write(W& writer, Bytes value) {
        writer.bytes(value);
    }

    /// Passes the number of bytes to `take`, which returns their destination. For none it may be null.
    template <class R, class Take>
    static void take_bytes(R& reader, Take take) {
        std::string scratch;
        if constexpr (R::has_bytes) {
            if (reader.peek() != Kind::bytes) {
                wrong(reader, "bytes");
            }
            const Bytes bytes = reader.read_bytes(scratch);
            std::byte* const to = take(bytes.size());
            if (!bytes.empty()) {
                std::memcpy(to, bytes.data(), bytes.size());
            }
        } else {
            require_kind(reader, Kind::string, "bytes in base64");
            const std::string_view text = reader.read_string(scratch);
            const auto size = base64_bytes(text);
            if (!size || !read_base64(text, take(*size))) {
                reader.fail("expected bytes in base64, got " + quoted(text));
            }
        }
    }
};

template <>
struct Codec<std::vector<std::byte>> : BytesCodec {
    static constexpr bool reads = true;

    template <class R>
    static std::vector<std::byte> read(R& reader) {
        std::vector<std::byte> value;
        take_bytes(reader, [&](std::size_t size) {
            reader.charge(size);
            value.resize(size);
            return value.data();
        });
        return value;
    }
};

template <std::size_t N>
struct Codec<std::array<std::byte, N>> : BytesCodec {
    static constexpr bool reads = true;

    template <class R>
    static std::array<std::byte, N> read(R& reader) {
        std::array<std::byte, N> value{};
        take_bytes(reader, [&](std::size_t size) {
            if (size != N) {
                reader.fail("expected " + std::to_string(N) + " bytes, got " + std::to_string(size) + " bytes");
            }
            return value.data();
        });
        return value;
    }
};

template <>
struct Codec<Bytes> : BytesCodec {
    static constexpr bool reads = false;
};
template <>
struct Codec<std::span<std::byte>> : Codec<Bytes> {};

}  // namespace communica::codec
