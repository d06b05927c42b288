// The standard library's containers, pairs, tuples and optional.
#pragma once

#include "codec.hpp"
#include "scalars.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace communica::codec {

/// The bytes that an empty container allocates.
template <class C>
inline constexpr std::size_t cost_of_empty = 0;
template <class E, class A>
inline constexpr std::size_t cost_of_empty<std::deque<E, A>> = 640;
/// The bytes per element of a container, without what the element owns.
template <class C>
inline constexpr std::size_t cost_of_element = sizeof(typename C::value_type) + node_cost;
template <class E, class A>
inline constexpr std::size_t cost_of_element<std::deque<E, A>> = sizeof(E) + sizeof(E) / 16 + 1;

/// A sequence: an array in every format.
template <class C, class E>
struct SequenceCodec {
    static constexpr bool writes = Codec<E>::writes;
    static constexpr bool reads = Codec<E>::reads;
    static constexpr Kinds kinds = codec::kinds(Kind::array);
    static std::string expected() { return "array"; }

    template <class W>
    static void write(W& writer, const C& values) {
        writer.array(values.size(), [&] {
            std::size_t index = 0;
            for (const auto& value : values) {
                writer.at(index++);
                Codec<E>::write(writer, value);
            }
        });
    }
    /// Grows with the elements read. A claimed number of elements allocates nothing.
    template <class R>
    static C read(R& reader) {
        require_kind(reader, Kind::array, "array");
        reader.charge(cost_of_empty<C>);
        C values;
        reader.read_array([&] {
            reader.charge(cost_of_element<C>);
            values.insert(values.end(), Codec<E>::read(reader));
        });
        return values;
    }
};

/// A vector of octets also reads bytes, if the format has them.
template <class E, class A>
struct Codec<std::vector<E, A>> : SequenceCodec<std::vector<E, A>, E> {
    static constexpr bool of_octets = std::is_same_v<E, std::uint8_t>;
    static constexpr Kinds kinds = of_octets ? codec::kinds(Kind::array, Kind::bytes) : codec::kinds(Kind::array);

    template <class R>
    static std::vector<E, A> read(R& reader) {
        std::vector<E, A> values;
        read_into(reader, values);
        return values;
    }
    template <class R>
    static void read_into(R& reader, std::vector<E, A>& values) {
        // Reserves the first elements at once: growing from one costs more than reading them.
        constexpr std::size_t few = sizeof(E) < 64 ? 256 / sizeof(E) : 4;
        if constexpr (of_octets && R::has_bytes) {
            if (reader.peek() == Kind::bytes) {
                std::string scratch;
                const std::string_view bytes = as_text(reader.read_bytes(scratch));
                reader.charge(bytes.size() + block_cost);
                values.assign(bytes.begin(), bytes.end());
                return;
            }
        }
        require_kind(reader, Kind::array, "array");
        values.clear();
        reader.read_array([&] {
            make_room(reader, values, few);
            if constexpr (std::is_default_constructible_v<E> && !std::is_same_v<E, bool>) {
                codec::read_into(reader, values.emplace_back());
            } else {
                values.push_back(Codec<E>::read(reader));
            }
        });
    }
};
template <class E, class A>
struct Codec<std::deque<E, A>> : SequenceCodec<std::deque<E, A>, E> {};
template <class E, class A>
struct Codec<std::list<E, A>> : SequenceCodec<std::list<E, A>, E> {};
template <class E, class L, class A>
struct Codec<std::set<E, L, A>> : SequenceCodec<std::set<E, L, A>, E> {};
template <class E, class L, class A>
struct Codec<std::multiset<E, L, A>> : SequenceCodec<std::multiset<E, L, A>, E> {};
template <class E, class H, class Q, class A>
struct Codec<std::unordered_set<E, H, Q, A>> : SequenceCodec<std::unordered_set<E, H, Q, A>, E> {};

template <class E, std::size_t N>
struct Codec<std::span<E, N>> : SequenceCodec<std::span<E, N>, std::remove_const_t<E>> {
    static constexpr bool reads = false;
};

/// An array with a fixed number of elements.
template <class E, std::size_t N>
struct Codec<std::array<E, N>> : SequenceCodec<std::array<E, N>, E> {
    static std::string expected() { return "array of " + std::to_string(N); }

    template <class R>
    static std::array<E, N> read(R& reader) {
        require_kind(reader, Kind::array, expected());
        std::array<E, N> values{};
        std::size_t index = 0;
        reader.read_array([&] {
            if (index == N) {
                reader.fail("expected " + expected() + ", got more");
            }
            codec::read_into(reader, values[index++]);
        });
        if (index != N) {
            reader.fail("expected " + expected() + ", got " + std::to_string(index));
        }
        return values;
    }
};

template <class Tuple, class... E>
struct TupleCodec {
    static constexpr bool writes = (Codec<E>::writes && ...);
    static constexpr bool reads = (Codec<E>::reads && ...) && std::is_default_constructible_v<Tuple>;
    static constexpr Kinds kinds = codec::kinds(Kind::array);
    static std::string expected() { return "array of " + std::to_string(sizeof...(E)); }

    template <class W>
    static void write(W& writer, const Tuple& values) {
        writer.array(sizeof...(E), [&] {
            std::size_t index = 0;
            std::apply([&](const auto&... value) { ((writer.at(index++), Codec<E>::write(writer, value)), ...); },
                       values);
        });
    }
    template <class R>
    static Tuple read(R& reader) {
        require_kind(reader, Kind::array, expected());
        Tuple values;
        std::size_t index = 0;
        reader.read_array([&] {
            if (index == sizeof...(E)) {
                reader.fail("expected " + expected() + ", got more");
            }
            std::size_t at = 0;
            const auto read_if = [&](auto& value) {
                if (at++ == index) {
                    codec::read_into(reader, value);
                }
            };
            std::apply([&](auto&... value) { (read_if(value), ...); }, values);
            ++index;
        });
        if (index != sizeof...(E)) {
            reader.fail("expected " + expected() + ", got " + std::to_string(index));
        }
        return values;
    }
};
/// A tuple of references is written as one of values.
template <class... E>
struct Codec<std::tuple<E...>> : TupleCodec<std::tuple<E...>, std::remove_cvref_t<E>...> {};
template <class A, class B>
struct Codec<std::pair<A, B>> : TupleCodec<std::pair<A, B>, A, B> {};

/// A map with text keys is an object. Any other is an array of pairs, because not every format and reader has other
/// keys. A map with integer keys also reads a map with such keys, and an object with integers as text.
template <class M, class K, class V>
struct MapCodec {
    static constexpr bool by_text = std::is_same_v<K, std::string>;
    static constexpr bool by_integer = std::is_integral_v<K> && !std::is_same_v<K, bool>;
    static constexpr bool writes = Codec<K>::writes && Codec<V>::writes;
    static constexpr bool reads = Codec<K>::reads && Codec<V>::reads;
    static constexpr Kinds kinds =
        (by_text ? 0 : codec::kinds(Kind::array)) | (by_text || by_integer ? codec::kinds(Kind::object) : 0);
    static std::string expected() { return by_text ? "object" : "array of pairs"; }

    template <class W>
    static void write(W& writer, const M& map) {
        if constexpr (by_text) {
            writer.object(map.size(), [&] {
                for (const auto& [key, value] : map) {
                    writer.key(key);
                    Codec<V>::write(writer, value);
                }
            });
        } else {
            writer.array(map.size(), [&] {
                std::size_t index = 0;
                for (const auto& entry : map) {
                    writer.at(index++);
                    TupleCodec<typename M::value_type, K, V>::write(writer, entry);
                }
            });
        }
    }
    template <class R>
    static M read(R& reader) {
        M map;
        if constexpr (by_text) {
            require_kind(reader, Kind::object, "object");
            reader.read_object([&](std::string_view key) {
                reader.charge(cost_of_element<M>);
                charge_text(reader, key.size());
                map.insert_or_assign(std::string(key), Codec<V>::read(reader));
            });
        } else {
            if constexpr (by_integer) {
                if (reader.peek() == Kind::object) {
                    read_object(reader, map);
                    return map;
                }
            }
            require_kind(reader, Kind::array, "array of pairs");
            reader.read_array([&] {
                reader.charge(cost_of_element<M>);
                auto entry = Codec<std::pair<K, V>>::read(reader);
                map.insert_or_assign(std::move(entry.first), std::move(entry.second));
            });
        }
        return map;
    }

 private:
    template <class R>
    static void read_object(R& reader, M& map) {
        const auto put = [&](K key) {
            reader.charge(cost_of_element<M>);
            map.insert_or_assign(key, Codec<V>::read(reader));
        };
        if constexpr (requires { reader.read_entries([] {}); }) {
            std::string scratch;
            reader.read_entries([&] {
                put(reader.peek() == Kind::string ? key_in(reader, reader.read_string(scratch))
                                                  : Codec<K>::read(reader));
            });
        } else {
            reader.read_object([&](std::string_view key) { put(key_in(reader, key)); });
        }
    }

    template <class R>
    static K key_in(R& reader, std::string_view text) {
        K key{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
        if (error != std::errc() || end != text.data() + text.size()) {
            reader.fail("expected " + Codec<K>::expected() + " as a key, got " + quoted(text));
        }
        return key;
    }
};
template <class K, class V, class L, class A>
struct Codec<std::map<K, V, L, A>> : MapCodec<std::map<K, V, L, A>, K, V> {};
template <class K, class V, class H, class Q, class A>
struct Codec<std::unordered_map<K, V, H, Q, A>> : MapCodec<std::unordered_map<K, V, H, Q, A>, K, V> {};

/// Null, or a value.
template <class T>
struct Codec<std::optional<T>> {
    static constexpr bool writes = Codec<T>::writes;
    static constexpr bool reads = Codec<T>::reads;
    static constexpr Kinds kinds = Codec<T>::kinds | codec::kinds(Kind::null);
    static std::string expected() { return Codec<T>::expected() + " or null"; }

    template <class W>
    static void write(W& writer, const std::optional<T>& value) {
        if (value) {
            Codec<T>::write(writer, *value);
        } else {
            writer.null();
        }
    }
    template <class R>
    static std::optional<T> read(R& reader) {
        if constexpr (requires { reader.is_undefined(); }) {
            if (reader.is_undefined()) {
                skip(reader);
                return std::nullopt;
            }
        }
        const Kind kind = reader.peek();
        if (kind == Kind::null) {
            reader.read_null();
            return std::nullopt;
        }
        if (!contains(kinds, kind)) {
            wrong(reader, expected());
        }
        // Constructed in place: T may be JSON, which itself converts to an optional of anything.
        return std::optional<T>(std::in_place, Codec<T>::read(reader));
    }
};

}  // namespace communica::codec
