// Described structs and enums.
#pragma once

#include "../model.hpp"
#include "codec.hpp"

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica::codec {

template <class T>
concept DescribedStruct = Described<T> && std::is_class_v<T> && !Converted<T>;
template <class T>
concept DescribedEnum = Described<T> && std::is_enum_v<T> && !Converted<T>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// The fields of a described struct, without their types.
template <DescribedStruct T>
struct Fields {
    static constexpr const auto& model = model_of<T>;
    static constexpr std::size_t count = std::tuple_size_v<decltype(model.fields)>;
    static constexpr std::size_t none = count;
    static constexpr bool is_tagged = !model.tag_key.empty();

    template <std::size_t I>
    using Value = typename std::remove_cvref_t<decltype(std::get<I>(model.fields))>::Value;

    static constexpr auto names = std::apply(
        [](const auto&... field) { return std::array<std::string_view, count>{field.name...}; }, model.fields);

    static constexpr auto required = std::apply(
        [](const auto&... field) {
            return std::array<bool, count>{
                !(field.may_be_missing || is_optional<typename std::remove_cvref_t<decltype(field)>::Value>)...};
        },
        model.fields);

    /// The index of the field of this name, or `none`. Tries `guess` first, because fields usually come in order.
    static std::size_t find(std::string_view name, std::size_t guess) noexcept {
        if (guess < count && names[guess] == name) {
            return guess;
        }
        for (std::size_t index = 0; index != count; ++index) {
            if (names[index] == name) {
                return index;
            }
        }
        return none;
    }

    /// The names of the required fields, or of all, for messages: `"name", "age"`.
    static std::string listed(bool all) {
        std::string text;
        for (std::size_t index = 0; index != count; ++index) {
            if (all || required[index]) {
                text.append(text.empty() ? "\"" : ", \"").append(names[index]) += '"';
            }
        }
        return text;
    }
};

/// The name of a field as a type, so that writers and readers can prepare it at compile time.
template <DescribedStruct T, std::size_t I>
struct FieldName {
    static constexpr std::string_view text = Fields<T>::names[I];

    constexpr operator std::string_view() const noexcept { return text; }
};
/// The same for the tag field of a variant's alternative.
template <DescribedStruct T>
struct TagName {
    static constexpr std::string_view text = Fields<T>::model.tag_key;

    constexpr operator std::string_view() const noexcept { return text; }
};

/// Fails to compile for a field of an unsupported type, with the type in the first lines of the compiler's message.
template <class T>
struct MustWriteField {
    static constexpr bool value = Writable<T>;
    static_assert(Writable<T>,
                  "communica: a described struct has a field of a type that cannot be serialised (concept "
                  "communica::codec::Writable)");
};
template <class T>
struct MustReadField {
    static constexpr bool value = Readable<T>;
    static_assert(Readable<T>,
                  "communica: a described struct has a field of a type that cannot be read (concept "
                  "communica::codec::Readable)");
};

template <DescribedStruct T>
struct Codec<T> {
    static constexpr bool writes = true;
    static constexpr bool reads = std::is_default_constructible_v<T>;
    static constexpr Kinds kinds = codec::kinds(Kind::object);
    static std::string expected() { return "object"; }

    template <class W>
    static void write(W& writer, const T& value) {
        write_fields(writer, value, std::make_index_sequence<F::count>());
    }

    template <class R>
    static T read(R& reader) {
        T value{};
        read_into(reader, value);
        return value;
    }
    template <class R>
    static void read_into(R& reader, T& value) {
        if (reader.peek() != Kind::object) {
            wrong(reader, "object");
        }
        Seen seen;
        seen[F::count] = !F::is_tagged;
        const auto known = [&](auto name) { read_known(reader, value, seen, name); };
        codec::read_object(reader, all_names(std::make_index_sequence<F::count>()), known, [&](std::string_view key) {
            if (read_named(reader, value, key, seen, std::make_index_sequence<F::count>())) {
                return;
            }
            if (F::is_tagged && key == F::model.tag_key) {
                read_known(reader, value, seen, TagName<T>());
            } else if (F::model.refuses_unknown) {
                reader.fail("there is no such field, but " + F::listed(true));
            } else {
                skip(reader);
            }
        });
        if (!seen.all()) {
            require_fields(reader, seen, std::make_index_sequence<F::count>());
            reset_missing(value, seen, std::make_index_sequence<F::count>());
        }
    }

 private:
    using F = Fields<T>;
    using Seen = std::bitset<F::count + 1>;  // the last bit is the tag's

    template <class W, std::size_t... I>
    static void write_fields(W& writer, const T& value, std::index_sequence<I...>) {
        const std::size_t size = (std::size_t{F::is_tagged} + ... + std::size_t{is_written<I>(value)});
        writer.object(size, [&] {
            if constexpr (F::is_tagged) {
                writer.key(TagName<T>());
                writer.string(F::model.tag_value);
            }
            (write_field<I>(writer, value), ...);
        });
    }
    template <std::size_t I>
    static bool is_written([[maybe_unused]] const T& value) {
        constexpr const auto& field = std::get<I>(F::model.fields);
        if constexpr (is_optional<typename F::template Value<I>>) {
            return !field.omits_null || (value.*field.member).has_value();
        } else {
            return true;
        }
    }
    template <std::size_t I, class W>
    static void write_field(W& writer, const T& value) {
        using Value = typename F::template Value<I>;
        if constexpr (MustWriteField<Value>::value) {
            if (is_written<I>(value)) {
                writer.key(FieldName<T, I>());
                Codec<Value>::write(writer, value.*std::get<I>(F::model.fields).member);
            }
        }
    }

    /// In the order of writing.
    template <std::size_t... I>
    static constexpr auto all_names(std::index_sequence<I...>) {
        if constexpr (F::is_tagged) {
            return Names<TagName<T>, FieldName<T, I>...>();
        } else {
            return Names<FieldName<T, I>...>();
        }
    }

    template <class R, std::size_t I>
    static void read_known(R& reader, T& value, Seen& seen, FieldName<T, I>) {
        if constexpr (MustReadField<typename F::template Value<I>>::value) {
            codec::read_into(reader, value.*std::get<I>(F::model.fields).member);
        }
        seen[I] = true;
    }
    template <class R>
    static void read_known(R& reader, T&, Seen& seen, TagName<T>) {
        std::string scratch;
        if (reader.peek() != Kind::string || R(reader).read_string(scratch) != F::model.tag_value) {
            wrong(reader, quoted(F::model.tag_value));
        }
        reader.read_string(scratch);
        seen[F::count] = true;
    }
    /// Returns false if no field has this name. Comparing constants is faster than a search, for a struct's number of
    /// fields.
    template <class R, std::size_t... I>
    static bool read_named(R& reader, T& value, [[maybe_unused]] std::string_view key, Seen& seen,
                           std::index_sequence<I...>) {
        return ((key == F::names[I] && (read_known(reader, value, seen, FieldName<T, I>()), true)) || ...);
    }

    /// The value may be from an earlier object with the same key: resets the fields that this one lacks.
    template <std::size_t... I>
    static void reset_missing(T& value, const Seen& seen, std::index_sequence<I...>) {
        [[maybe_unused]] T fresh{};
        [[maybe_unused]] const auto reset = [&]<class Field>(bool is_there, const Field& field) {
            if (!is_there) {
                value.*field.member = std::move(fresh.*field.member);
            }
        };
        (reset(seen[I], std::get<I>(F::model.fields)), ...);
    }

    template <class R, std::size_t... I>
    static void require_fields(const R& reader, const Seen& seen, std::index_sequence<I...>) {
        const auto require = [&](bool is_there, std::string_view name, auto expected) {
            if (!is_there) {
                const Place missing{.outer = reader.place(), .key = name};
                codec::fail(&missing, "expected " + expected() + ", got nothing");
            }
        };
        require(seen[F::count], F::model.tag_key, [] { return quoted(F::model.tag_value); });
        (require(!F::required[I] || seen[I], F::names[I], &Codec<typename F::template Value<I>>::expected), ...);
    }
};

template <DescribedEnum T>
struct Codec<T> {
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::string);

    static std::string expected() {
        std::string text = "one of";
        for (const auto& [name, value] : model_of<T>.all) {
            text.append(text.back() == 'f' ? " \"" : ", \"").append(name) += '"';
        }
        return text;
    }

    template <class W>
    static void write(W& writer, T value) {
        for (const auto& [name, known] : model_of<T>.all) {
            if (known == value) {
                writer.string(name);
                return;
            }
        }
        writer.fail("expected " + expected() + ", got the value " +
                    std::to_string(static_cast<std::underlying_type_t<T>>(value)));
    }
    template <class R>
    static T read(R& reader) {
        if (reader.peek() != Kind::string) {
            wrong(reader, expected());
        }
        std::string scratch;
        const std::string_view text = reader.read_string(scratch);
        for (const auto& [name, value] : model_of<T>.all) {
            if (name == text) {
                return value;
            }
        }
        reader.fail("expected " + expected() + ", got " + quoted(text));
    }
};

}  // namespace communica::codec
