// std::variant: the alternative is chosen by the value alone.
#pragma once

#include "../serializer.hpp"
#include "codec.hpp"
#include "models.hpp"
#include "scalars.hpp"

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

namespace communica::codec {

/// Tells from an object's keys whether it is an `A`.
template <DescribedStruct A>
class KeyMatch {
 public:
    template <class R>
    void see(std::string_view key, const R& value) {
        if (const std::size_t index = F::find(key, next_); index != F::none) {
            seen_[index] = true;
            next_ = index + 1;
        } else if (F::is_tagged && key == F::model.tag_key) {
            R reader(value);
            std::string scratch;
            has_tag_ = reader.peek() == Kind::string && reader.read_string(scratch) == F::model.tag_value;
        } else {
            has_unknown_ = true;
        }
    }

    bool fits() const noexcept {
        if constexpr (F::is_tagged) {
            return has_tag_;
        } else {
            for (std::size_t index = 0; index != F::count; ++index) {
                if (F::required[index] && !seen_[index]) {
                    return false;
                }
            }
            return !(has_unknown_ && F::model.refuses_unknown);
        }
    }

    /// For error messages: `Circle {"radius"}`.
    static std::string expected() {
        std::string text(F::model.name);
        text += " {";
        if constexpr (F::is_tagged) {
            text += quoted(F::model.tag_key) + ": " + quoted(F::model.tag_value);
        } else {
            text += F::listed(false);
        }
        return text + '}';
    }

 private:
    using F = Fields<A>;

    std::bitset<F::count + 1> seen_;
    std::size_t next_ = 0;
    bool has_tag_ = false;
    bool has_unknown_ = false;
};

/// An alternative that is not a described struct: keys do not select it.
template <class A>
struct NoMatch {
    template <class R>
    void see(std::string_view, const R&) {}
    bool fits() const noexcept { return false; }
    static std::string expected() { return Codec<A>::expected(); }
};

template <class A>
struct MatchOfAlternative {
    using type = NoMatch<A>;
};
template <DescribedStruct A>
struct MatchOfAlternative<A> {
    using type = KeyMatch<A>;
};
template <class A>
using MatchOf = typename MatchOfAlternative<A>::type;

/// Written as the alternative itself. Read as the first alternative that fits:
///
/// - by kind: null, boolean, number, string, bytes, array, object;
/// - numbers and strings by their value, so that `variant<int, double>` distinguishes 1 from 1.5;
/// - objects by their keys: the described struct whose tag is present, or whose required fields all are.
///
/// At most one alternative may be an array, and one an object that is not a described struct. One may be of a type with
/// a user's conversion; it takes what no other does. Containers are not read on trial, so nested variants take time
/// proportional to their length.
template <class... A>
struct Codec<std::variant<A...>> {
    using Variant = std::variant<A...>;

    static constexpr bool writes = (Codec<A>::writes && ...);
    static constexpr bool reads = (Codec<A>::reads && ...);
    static constexpr Kinds kinds = (Codec<A>::kinds | ...);

    static std::string expected() {
        std::string text;
        const auto add = [&text](const std::string& alternative) {  // equal names only once
            if ((" or " + text + " or ").find(" or " + alternative + " or ") == std::string::npos) {
                text += (text.empty() ? "" : " or ") + alternative;
            }
        };
        (add(Codec<A>::expected()), ...);
        return text;
    }

    template <class W>
    static void write(W& writer, const Variant& value) {
        std::visit([&writer]<class V>(const V& alternative) { Codec<V>::write(writer, alternative); }, value);
    }

    template <class R>
    static Variant read(R& reader) {
        static_assert(count(Kind::array) <= 1, "communica: of a variant's alternatives only one may be an array");
        static_assert(count(Kind::object) - described <= 1,
                      "communica: of a variant's alternatives only one may be an object that is no described struct");
        static_assert(others <= 1,
                      "communica: of a variant's alternatives only one may be of a type with a conversion of its own");
        const Kind kind = reader.peek();
        switch (kind) {
            case Kind::null:
            case Kind::boolean:
            case Kind::array: return read_as(reader, first_of(kind), kind);
            case Kind::object:
                return read_as(reader, count(kind) + others > 1 ? by_keys(reader) : first_of(kind), kind);
            default: return by_value(reader, kind);
        }
    }

 private:
    static constexpr std::size_t size = sizeof...(A);
    static constexpr std::array<Kinds, size> all{Codec<A>::kinds...};
    static constexpr std::array<bool, size> is_described{DescribedStruct<A>...};
    static constexpr std::size_t described = (std::size_t{DescribedStruct<A>} + ...);
    static constexpr std::size_t others = (std::size_t{Codec<A>::kinds == every_kind} + ...);

    static constexpr std::size_t count(Kind kind) noexcept {
        return (std::size_t{contains(Codec<A>::kinds, kind) && Codec<A>::kinds != every_kind} + ...);
    }

    /// The first alternative of this kind, or the one that takes any kind; `size` if there is none.
    static std::size_t first_of(Kind kind) noexcept {
        std::size_t fallback = size;
        for (std::size_t index = 0; index != size; ++index) {
            if (all[index] == every_kind) {
                fallback = index;
            } else if (contains(all[index], kind)) {
                return index;
            }
        }
        return fallback;
    }

    template <class R>
    static Variant read_as(R& reader, std::size_t index, Kind kind) {
        std::optional<Variant> value;
        each([&]<std::size_t I, class V>() {
            if (I == index && contains(Codec<V>::kinds, kind)) {
                value.emplace(std::in_place_index<I>, Codec<V>::read(reader));
            }
        });
        if (!value) {
            wrong(reader, expected());
        }
        return *std::move(value);
    }

    /// Scalars: the first alternative that can hold the value.
    template <class R>
    static Variant by_value(R& reader, Kind kind) {
        if (count(kind) + others == 1) {
            return read_as(reader, first_of(kind), kind);
        }
        std::optional<Variant> value;
        if (kind == Kind::number) {
            R ahead(reader);
            const Number number = ahead.read_number();
            const auto take = [&](const Number& taken) {
                each([&]<std::size_t I, class V>() {
                    if constexpr (Arithmetic<V>) {
                        if (const auto fits = value ? std::nullopt : number_as<V>(taken)) {
                            value.emplace(std::in_place_index<I>, *fits);
                        }
                    }
                });
            };
            take(number);
            if constexpr (R::has_bytes) {
                take(whole(number));  // if no alternative has taken it as a float
            }
            if (value) {
                reader = ahead;
                return *std::move(value);
            }
        }
        for (const bool any : {false, true}) {
            each([&]<std::size_t I, class V>() {
                if (!value && contains(Codec<V>::kinds, kind) && (Codec<V>::kinds == every_kind) == any) {
                    R ahead(reader);
                    const auto mark = Allowance::mark();
                    try {
                        value.emplace(std::in_place_index<I>, Codec<V>::read(ahead));
                        reader = ahead;
                    } catch (const SerializerError&) {
                        value.reset();  // the next alternative is tried
                        Allowance::return_to(mark);
                    }
                }
            });
        }
        if (!value) {
            wrong(reader, expected());
        }
        return *std::move(value);
    }

    /// The described struct that the object's keys select, or else the alternative that takes any object.
    template <class R>
    static std::size_t by_keys(const R& reader) {
        std::tuple<MatchOf<A>...> matches;
        R ahead(reader);
        ahead.read_object([&](std::string_view key) {
            std::apply([&](auto&... match) { (match.see(key, ahead), ...); }, matches);
            skip(ahead);
        });
        std::size_t chosen = size;
        each([&]<std::size_t I, class V>() {
            if (chosen == size && std::get<I>(matches).fits()) {
                chosen = I;
            }
        });
        for (std::size_t index = 0; chosen == size && index != size; ++index) {
            if (!is_described[index] && contains(all[index], Kind::object)) {
                chosen = index;
            }
        }
        if (chosen == size) {
            std::string text;
            ((text += (text.empty() ? "" : " or ") + MatchOf<A>::expected()), ...);
            reader.fail("expected " + text + ", got an object that is none of them");
        }
        return chosen;
    }

    template <class F>
    static void each(F&& function) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (function.template operator()<I, A>(), ...);
        }(std::index_sequence_for<A...>());
    }
};

template <>
struct Codec<std::monostate> : Codec<Nothing> {
    template <class W>
    static void write(W& writer, std::monostate) {
        writer.null();
    }
    template <class R>
    static std::monostate read(R& reader) {
        Codec<Nothing>::read(reader);
        return {};
    }
};

}  // namespace communica::codec
