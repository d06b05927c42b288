// A number of a document, and its conversion to a C++ type that may be too small.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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

/// Integers except `bool`.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

template <class T>
concept Arithmetic = Integer<T> || std::floating_point<T>;

/// Do these digits of an integer stand for this value? Yes if they are its exact value, or its shortest digits followed
/// by zeros, as JavaScript and Go write a float without an exponent.
template <std::floating_point T>
bool stands_for(std::string_view digits, T value) noexcept {
    constexpr std::size_t longest = std::numeric_limits<T>::max_exponent10 + 2;
    char text[longest];
    if (digits.size() > longest || !std::isfinite(value)) {
        return false;
    }
    if (const auto exact = std::to_chars(text, text + longest, value, std::chars_format::fixed, 0);
        exact.ec == std::errc() && std::string_view(text, exact.ptr) == digits) {
        return true;
    }
    const char* const end = std::to_chars(text, text + longest, value, std::chars_format::scientific).ptr;
    const std::string_view shortest(text, end);  // d[.ddd]e+XX
    const std::size_t mark = shortest.find('e');
    int exponent = 0;
    std::from_chars(text + mark + 2, end, exponent);
    if (shortest[mark + 1] != '+' || digits.size() != static_cast<std::size_t>(exponent) + 1) {
        return false;
    }
    std::string_view rest = digits;
    for (const char digit : shortest.substr(0, mark)) {
        if (digit == '.') {
            continue;
        }
        if (!rest.starts_with(digit)) {
            return false;
        }
        rest.remove_prefix(1);
    }
    return rest.find_first_not_of('0') == rest.npos;
}

/// The float that an integer stands for; null if it stands for none.
template <std::floating_point T>
std::optional<T> integer_as(std::uint64_t integer) noexcept {
    constexpr T two_to_64 = 18446744073709551616.0;
    const T value = static_cast<T>(integer);
    if (value == two_to_64 || static_cast<std::uint64_t>(value) != integer) {
        char digits[20];
        if (!stands_for(std::string_view(digits, std::to_chars(digits, digits + sizeof digits, integer).ptr), value)) {
            return std::nullopt;
        }
    }
    return value;
}

/// For formats in which large integers are often written as floats: a whole float up to 2^53 becomes an integer.
inline Number whole(const Number& number) noexcept {
    constexpr double most = 9007199254740992.0;
    if (number.form != Number::Form::floating || !(std::fabs(number.floating) <= most) ||
        std::trunc(number.floating) != number.floating) {
        return number;
    }
    return Number::of(static_cast<std::int64_t>(number.floating));
}

/// The number as a `T`; null if a `T` can't hold it. A float never becomes an integer. An integer becomes a float if
/// its digits stand for one.
template <Arithmetic T>
std::optional<T> number_as(const Number& number) noexcept {
    if constexpr (Integer<T>) {
        // Through the widest types, because std::in_range takes no characters.
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
        if (number.form == Number::Form::natural) {
            return integer_as<T>(number.natural);
        }
        if (number.form == Number::Form::negative) {
            const auto value = integer_as<T>(0 - static_cast<std::uint64_t>(number.negative));
            return value ? std::optional(-*value) : std::nullopt;
        }
        if constexpr (sizeof(T) < sizeof(double)) {
            constexpr double first_beyond = 0x1.ffffffp127;  // smaller values round to the largest float
            if (std::isfinite(number.floating) && std::fabs(number.floating) >= first_beyond) {
                return std::nullopt;
            }
        }
        return static_cast<T>(number.floating);
    }
}

/// The shortest digits of the number, for error messages.
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

/// The requirement of a `T`, for error messages: `integer in 0..255`.
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
