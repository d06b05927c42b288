// JSON Schema of C++ types. Not part of communica.hpp, so that only programs that include it compile it.
#pragma once

#include "../serializers/codec/types.hpp"
#include "type_name.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace communica {
namespace schema {

/// The `$defs` of a schema: the described structs that it refers to, each once.
class Definitions {
 public:
    /// Returns the name of a struct, and true if the struct is new.
    std::pair<std::string, bool> name_of(const void* type, std::string_view model) {
        if (const auto known = names_.find(type); known != names_.end()) {
            return {known->second, false};
        }
        std::string name(model);
        for (char& byte : name) {
            if (byte == '/' || byte == '~' || byte == '%' || byte == ' ') {  // would need an escape in a reference
                byte = '_';
            }
        }
        std::string unique = name;
        for (int number = 2; all_.contains(unique); ++number) {
            unique = name + "_" + std::to_string(number);
        }
        names_.emplace(type, unique);
        all_[unique] = nlohmann::json::object();
        return {unique, true};
    }
    void define(const std::string& name, nlohmann::json definition) { all_[name] = std::move(definition); }

    /// Moves the definitions into the schema that refers to them.
    void move_into(nlohmann::json& root) {
        if (!all_.empty()) {
            root["$defs"] = std::move(all_);
        }
    }

 private:
    nlohmann::json all_ = nlohmann::json::object();
    std::map<const void*, std::string> names_;
};

/// Code that does not depend on the type, so that it is compiled once.
namespace detail {

inline nlohmann::json of_type(const char* type) {
    nlohmann::json json;
    json["type"] = type;
    return json;
}

inline nlohmann::json opaque(std::string_view type) {
    nlohmann::json json;
    json["x-type"] = type;
    return json;
}

template <class Number>
nlohmann::json in_range(const char* type, Number least, Number most) {
    nlohmann::json json = of_type(type);
    json["minimum"] = least;
    json["maximum"] = most;
    return json;
}

inline nlohmann::json of_floats(const char* format) {
    nlohmann::json json = of_type("number");
    json["format"] = format;
    return json;
}

inline nlohmann::json text_of(const char* key, const char* value) {
    nlohmann::json json = of_type("string");
    json[key] = value;
    return json;
}

inline nlohmann::json array_of(nlohmann::json items) {
    nlohmann::json json = of_type("array");
    json["items"] = std::move(items);
    return json;
}

inline void set_size(nlohmann::json& array, std::size_t size) { array["minItems"] = array["maxItems"] = size; }

inline nlohmann::json tuple_of(nlohmann::json all, std::size_t size) {
    nlohmann::json json = array_of(false);
    if (size != 0) {
        json["prefixItems"] = std::move(all);
    }
    set_size(json, size);
    return json;
}

inline nlohmann::json any_of(nlohmann::json all) {
    nlohmann::json json;
    json["anyOf"] = std::move(all);
    return json;
}

inline nlohmann::json map_of(nlohmann::json values) {
    nlohmann::json json = of_type("object");
    json["additionalProperties"] = std::move(values);
    return json;
}

inline nlohmann::json reference_to(const std::string& name) {
    nlohmann::json json;
    json["$ref"] = "#/$defs/" + name;
    return json;
}

inline void add_property(nlohmann::json& object, std::string_view name, nlohmann::json schema, std::string_view text,
                         bool is_required, bool omits_null) {
    if (!text.empty()) {
        schema["description"] = text;
    }
    if (omits_null) {
        schema["x-omits-null"] = true;
    }
    object["properties"][std::string(name)] = std::move(schema);
    if (is_required) {
        object["required"].push_back(name);
    }
}

template <class T>
inline constexpr char identity = 0;

template <class T>
inline constexpr bool is_variant = false;
template <class... A>
inline constexpr bool is_variant<std::variant<A...>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;
template <class T>
inline constexpr bool is_time = false;
template <class Duration>
inline constexpr bool is_time<std::chrono::time_point<std::chrono::system_clock, Duration>> = true;

template <class T>
concept Sequence =
    std::is_base_of_v<codec::SequenceCodec<T, std::remove_const_t<typename T::value_type>>, codec::Codec<T>>;
template <class T>
concept Map = std::is_base_of_v<codec::MapCodec<T, typename T::key_type, typename T::mapped_type>, codec::Codec<T>>;
template <class T>
concept Tuple = requires { std::tuple_size<T>::value; };

}  // namespace detail

template <class T>
nlohmann::json make(Definitions& definitions);

namespace detail {

/// The schemas of the elements of a tuple or the alternatives of a variant.
template <class T>
struct Parts;
template <template <class...> class Whole, class... A>
struct Parts<Whole<A...>> {
    static nlohmann::json make(Definitions& definitions) {
        nlohmann::json all = nlohmann::json::array();
        (all.push_back(schema::make<std::remove_cvref_t<A>>(definitions)), ...);
        return all;
    }
};

template <codec::DescribedStruct T>
nlohmann::json make_struct(Definitions& definitions) {
    using F = codec::Fields<T>;
    const auto [name, is_new] = definitions.name_of(&identity<T>, F::model.name);
    if (is_new) {
        nlohmann::json object = of_type("object");
        object["properties"] = nlohmann::json::object();
        if constexpr (F::is_tagged) {
            nlohmann::json tag;
            tag["const"] = F::model.tag_value;
            add_property(object, F::model.tag_key, std::move(tag), {}, true, false);
        }
        if (F::model.refuses_unknown) {
            object["additionalProperties"] = false;
        }
        std::size_t index = 0;
        std::apply(
            [&](const auto&... field) {
                (add_property(object, field.name,
                              schema::make<typename std::remove_cvref_t<decltype(field)>::Value>(definitions),
                              field.text, F::required[index++], field.omits_null),
                 ...);
            },
            F::model.fields);
        definitions.define(name, std::move(object));
    }
    return reference_to(name);
}

template <codec::DescribedEnum T>
nlohmann::json make_enum() {
    nlohmann::json json = of_type("string");
    json["enum"] = nlohmann::json::array();
    for (const auto& [name, value] : codec::model_of<T>.all) {
        json["enum"].push_back(name);
    }
    return json;
}

/// A duration is read from any number in range, and rounded. A duration in whole seconds is written as an integer.
template <class Rep, class Period>
nlohmann::json make_duration(std::chrono::duration<Rep, Period>) {
    nlohmann::json json = of_type("number");
    if constexpr (std::integral<Rep>) {
        constexpr double tick = static_cast<double>(Period::num) / Period::den;
        json["minimum"] = static_cast<double>(std::numeric_limits<Rep>::min()) * tick;
        json["maximum"] = static_cast<double>(std::numeric_limits<Rep>::max()) * tick;
        if (Period::den == 1) {
            json["x-whole"] = true;
        }
    }
    json["x-unit"] = "s";
    return json;
}

template <class T>
nlohmann::json make_bytes() {
    nlohmann::json json = text_of("contentEncoding", "base64");
    if constexpr (Tuple<T>) {
        json["minLength"] = json["maxLength"] = (std::tuple_size_v<T> + 2) / 3 * 4;
        json["x-bytes"] = std::tuple_size_v<T>;
    }
    return json;
}

template <class T>
nlohmann::json make_converted(Definitions& definitions) {
    nlohmann::json json = schema::make<codec::ConvertedTo<T>>(definitions);
    if constexpr (requires { std::string_view(Converter<T>::name); }) {
        json["x-converter"] = std::string_view(Converter<T>::name);
    } else {
        json["x-converter"] = type_name<T>();
    }
    return json;
}

}  // namespace detail

/// Returns the schema of a `T`, and adds its structs to the definitions.
template <class T>
nlohmann::json make(Definitions& definitions) {
    using detail::of_type;
    if constexpr (codec::Converted<T>) {
        return detail::make_converted<T>(definitions);
    } else if constexpr (codec::DescribedStruct<T>) {
        return detail::make_struct<T>(definitions);
    } else if constexpr (codec::DescribedEnum<T>) {
        return detail::make_enum<T>();
    } else if constexpr (std::is_void_v<T> || std::same_as<T, Nothing> || std::same_as<T, std::monostate>) {
        return of_type("null");
    } else if constexpr (std::same_as<T, nlohmann::json>) {
        return nlohmann::json::object();
    } else if constexpr (std::same_as<T, bool>) {
        return of_type("boolean");
    } else if constexpr (codec::Integer<T>) {
        return detail::in_range("integer", +std::numeric_limits<T>::min(), +std::numeric_limits<T>::max());
    } else if constexpr (std::floating_point<T>) {
        return detail::of_floats(sizeof(T) == sizeof(float) ? "float" : "double");
    } else if constexpr (std::is_base_of_v<codec::Codec<std::string>, codec::Codec<codec::Written<T>>>) {
        return of_type("string");
    } else if constexpr (std::is_base_of_v<codec::BytesCodec, codec::Codec<T>>) {
        return detail::make_bytes<T>();
    } else if constexpr (codec::is_optional<T>) {
        nlohmann::json all = nlohmann::json::array();
        all.push_back(make<typename T::value_type>(definitions));
        all.push_back(of_type("null"));
        return detail::any_of(std::move(all));
    } else if constexpr (detail::is_variant<T>) {
        return detail::any_of(detail::Parts<T>::make(definitions));
    } else if constexpr (detail::is_duration<T>) {
        return detail::make_duration(T());
    } else if constexpr (detail::is_time<T>) {
        return detail::text_of("format", "date-time");
    } else if constexpr (detail::Sequence<T>) {
        auto json = detail::array_of(make<std::remove_const_t<typename T::value_type>>(definitions));
        if constexpr (detail::Tuple<T>) {
            detail::set_size(json, std::tuple_size_v<T>);
        }
        return json;
    } else if constexpr (detail::Map<T>) {
        if constexpr (std::same_as<typename T::key_type, std::string>) {
            return detail::map_of(make<typename T::mapped_type>(definitions));
        } else {
            return detail::array_of(make<std::pair<typename T::key_type, typename T::mapped_type>>(definitions));
        }
    } else if constexpr (detail::Tuple<T>) {
        return detail::tuple_of(detail::Parts<T>::make(definitions), std::tuple_size_v<T>);
    } else {
        return detail::opaque(type_name<T>());
    }
}

}  // namespace schema

/// Returns the JSON Schema (2020-12) of the JSON that is read as a `T`. The JSON that is written has every property,
/// except properties that are null and marked `x-omits-null`. docs/contracts.md explains the keywords that begin with
/// `x-`.
///
/// A type with a `Converter` has the schema of the type it converts to, and a name: `Converter<T>::name`, or else the
/// compiler's name of the type. A type that nlohmann/json converts has only its name.
template <class T>
nlohmann::json schema_of() {
    schema::Definitions definitions;
    nlohmann::json root = schema::make<T>(definitions);
    definitions.move_into(root);
    return root;
}

}  // namespace communica
