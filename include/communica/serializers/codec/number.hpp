// A number as a document has it, and as a C++ type that may be too small for it.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace communica::codec {

/// An integer of 64 bits, signed or unsigned, or a double.
struct Number {
    enum class Form : std::uint8_t { natural, negative, floating };

    Form form;
    union {
        std::uint64_t natural;
        std::int64_t negative;
        double floating;
    };

    static constexpr Number of(std::uint64_t value) noexcept { return {.form = Form::natural, .natural = value}; }
    static constexpr Number of(double value) noexcept { return {.form = Form::floating, .floating = value}; }
    static constexpr Number of(std::int64_t value) noexcept {
        if (value >= 0) {
            return of(static_cast<std::uint64_t>(value));
        }
        return {.form = Form::negative, .negative = value};
    }
};

/// Integers but `bool`.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

template <class T>
concept Arithmetic = Integer<T> || std::floating_point<T>;

/// The number as a `T`; nothing if a `T` can't hold it. A float is no integer, whatever its value, and an integer is a
/// float if none of its digits is lost.
template <Arithmetic T>
std::optional<T> number_as(const Number& number) noexcept {
    if constexpr (Integer<T>) {
        // Asked through the widest types, as std::in_range takes no characters.
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
        constexpr auto least = static_cast<std::int64_t>(std::numeric_limits<T>::min());
        if (number.form == Number::Form::natural && number.natural <= most) {
            return static_cast<T>(number.natural);
        }
        if (number.form == Number::Form::negative && std::signed_integral<T> && number.negative >= least) {
            return static_cast<T>(number.negative);
        }
        return std::nullopt;
    } else {
        constexpr double two_to_64 = 18446744073709551616.0;
        double value = number.floating;
        if (number.form == Number::Form::natural) {
            value = static_cast<double>(number.natural);
            if (value == two_to_64 || static_cast<std::uint64_t>(value) != number.natural) {
                return std::nullopt;
            }
        } else if (number.form == Number::Form::negative) {
            value = static_cast<double>(number.negative);
            if (static_cast<std::int64_t>(value) != number.negative) {
                return std::nullopt;
            }
        }
        if (std::isfinite(value) && std::fabs(value) > static_cast<double>(std::numeric_limits<T>::max())) {
            return std::nullopt;
        }
        return static_cast<T>(value);
    }
}

/// The number's shortest digits, for messages.
inline std::string text_of(const Number& number) {
    char digits[32];
    std::to_chars_result end{};
    switch (number.form) {
        case Number::Form::natural: end = std::to_chars(digits, digits + sizeof digits, number.natural); break;
        case Number::Form::negative: end = std::to_chars(digits, digits + sizeof digits, number.negative); break;
        case Number::Form::floating: end = std::to_chars(digits, digits + sizeof digits, number.floating); break;
    }
    std::string text(digits, end.ptr);
    if (number.form == Number::Form::floating && std::isfinite(number.floating) &&
        text.find_first_of(".e") == text.npos) {
        text += ".0";
    }
    return text;
}

/// What a `T` wants, for messages: `integer in 0..255`.
template <Arithmetic T>
std::string expected_number() {
    if constexpr (Integer<T>) {
        return "integer in " + std::to_string(+std::numeric_limits<T>::min()) + ".." +
               std::to_string(+std::numeric_limits<T>::max());
    } else {
        return sizeof(T) == sizeof(float) ? "number in a float's range" : "number in a double's range";
    }
}

}  // namespace communica::codec
