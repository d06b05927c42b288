// Describes a user's structs and enums, once for all formats.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {

/// Stands for `T` as the argument of `communica_model`, so that the description is found in the namespace of `T`.
template <class T>
struct Type {};

/// A field of an object, and the member that holds its value.
template <class C, class M>
struct Field {
    /// The type of the member.
    using Value = M;

    std::string_view name;
    /// A pointer to the member.
    M C::* member;
    /// If true, the field may be missing, and the member keeps its initial value.
    bool may_be_missing = false;
    /// If true, the field is not written when it is null.
    bool omits_null = false;
    std::string_view text = {};  ///< the sentence of `doc`

    /// The field may be missing; the member then keeps its initial value. A `std::optional` may always be missing.
    constexpr Field optional() const {
        Field field = *this;
        field.may_be_missing = true;
        return field;
    }
    /// Leaves out an empty `std::optional` instead of writing null.
    constexpr Field omit_null() const {
        Field field = *this;
        field.omits_null = true;
        return field;
    }
    /// Describes the field in a sentence, for schemas (schema/schema.hpp).
    constexpr Field doc(std::string_view sentence) const {
        Field field = *this;
        field.text = sentence;
        return field;
    }
};

/// A field with the name `name` in the document.
template <class C, class M>
constexpr Field<C, M> field(std::string_view name, M C::* member) {
    return {.name = name, .member = member};
}

/// The fields of a struct, in the order of writing. They are read in any order.
template <class... F>
struct Model {
    std::string_view name;  ///< for error messages
    /// In the order of writing.
    std::tuple<F...> fields;
    /// The name of an additional field that identifies the struct in a variant; empty for none.
    std::string_view tag_key = {};
    /// The value of that field.
    std::string_view tag_value = {};
    /// If true, a field that is not in the model is an error.
    bool refuses_unknown = false;

    /// Refuses objects with unknown fields. By default they are skipped.
    constexpr Model refuse_unknown() const {
        Model model = *this;
        model.refuses_unknown = true;
        return model;
    }
    /// Adds a field with a constant text, by which a `std::variant` identifies the alternative.
    constexpr Model tag(std::string_view key, std::string_view value) const {
        Model model = *this;
        model.tag_key = key;
        model.tag_value = value;
        return model;
    }
};

/// Describes a struct: the return value of its `communica_model`.
///
///     constexpr auto communica_model(communica::Type<User>) {
///         return communica::model("User",
///             communica::field("user-name", &User::name),
///             communica::field("age", &User::age).optional()).refuse_unknown();
///     }
template <class... C, class... M>
constexpr Model<Field<C, M>...> model(std::string_view name, Field<C, M>... fields) {
    return {.name = name, .fields = {fields...}};
}

/// The values of an enum and their names. An enum is sent as text.
template <class E, std::size_t N>
struct Enumerators {
    /// Each name with its value.
    std::array<std::pair<std::string_view, E>, N> all;
};

/// Describes an enum: the return value of its `communica_model`.
///
///     constexpr auto communica_model(communica::Type<Colour>) {
///         return communica::enumerators<Colour>({{"dark-red", Colour::dark_red}, {"green", Colour::green}});
///     }
template <class E, std::size_t N>
constexpr Enumerators<E, N> enumerators(const std::pair<std::string_view, E> (&all)[N]) {
    return {.all = std::to_array(all)};
}

namespace codec {

/// Has `T` a description?
template <class T>
concept Described = requires { communica_model(Type<T>{}); };

/// The model of a described type.
template <Described T>
inline constexpr auto model_of = communica_model(Type<T>{});

}  // namespace codec

}  // namespace communica

// ---- macros for names that are equal to those in C++ ----------------------------------------------------------------

#define COMMUNICA_DETAIL_PARENS ()
#define COMMUNICA_DETAIL_RESCAN(...) \
    COMMUNICA_DETAIL_RESCAN1(COMMUNICA_DETAIL_RESCAN1(COMMUNICA_DETAIL_RESCAN1(__VA_ARGS__)))
#define COMMUNICA_DETAIL_RESCAN1(...) \
    COMMUNICA_DETAIL_RESCAN2(COMMUNICA_DETAIL_RESCAN2(COMMUNICA_DETAIL_RESCAN2(__VA_ARGS__)))
#define COMMUNICA_DETAIL_RESCAN2(...) \
    COMMUNICA_DETAIL_RESCAN3(COMMUNICA_DETAIL_RESCAN3(COMMUNICA_DETAIL_RESCAN3(__VA_ARGS__)))
#define COMMUNICA_DETAIL_RESCAN3(...) \
    COMMUNICA_DETAIL_RESCAN4(COMMUNICA_DETAIL_RESCAN4(COMMUNICA_DETAIL_RESCAN4(__VA_ARGS__)))
#define COMMUNICA_DETAIL_RESCAN4(...) __VA_ARGS__

// Expands to `each(T, N)` for each name N, with commas in between; up to 80 names.
#define COMMUNICA_DETAIL_EACH(each, T, ...) \
    __VA_OPT__(COMMUNICA_DETAIL_RESCAN(COMMUNICA_DETAIL_NEXT(each, T, __VA_ARGS__)))
#define COMMUNICA_DETAIL_NEXT(each, T, name, ...) \
    each(T, name) __VA_OPT__(, COMMUNICA_DETAIL_AGAIN COMMUNICA_DETAIL_PARENS(each, T, __VA_ARGS__))
#define COMMUNICA_DETAIL_AGAIN() COMMUNICA_DETAIL_NEXT

#define COMMUNICA_DETAIL_FIELD(T, name) ::communica::field(#name, &T::name)
#define COMMUNICA_DETAIL_ENUMERATOR(T, name) {#name, T::name}

/// Describes a struct by the names of its members: `COMMUNICA_MODEL(User, name, age)`, in the namespace of `User`.
/// Inside the class, preceded by `friend`, it can access private members.
#define COMMUNICA_MODEL(T, ...)                                                                                     \
    constexpr auto communica_model(::communica::Type<T>) {                                                          \
        return ::communica::model(#T __VA_OPT__(, ) COMMUNICA_DETAIL_EACH(COMMUNICA_DETAIL_FIELD, T, __VA_ARGS__)); \
    }

/// Describes an enum by the names of its values: `COMMUNICA_ENUM(Colour, red, green)`, in the namespace of `Colour`.
#define COMMUNICA_ENUM(T, ...)                                                                                    \
    constexpr auto communica_model(::communica::Type<T>) {                                                        \
        return ::communica::enumerators<T>({COMMUNICA_DETAIL_EACH(COMMUNICA_DETAIL_ENUMERATOR, T, __VA_ARGS__)}); \
    }
