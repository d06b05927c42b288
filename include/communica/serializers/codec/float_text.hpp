// Floats in the form of JSON and Python: `0.1`, `1.0`, `1e+22`, `1.5e-07`.
#pragma once

#include <cfloat>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

namespace communica::codec {

inline constexpr std::size_t longest_float = 24;  // -1.2345678901234567e-308

namespace detail {

/// Does a division of doubles round once, to a double? x87 rounds to 64 bits first.
inline constexpr bool divides_exactly = FLT_EVAL_METHOD == 0 && FLT_RADIX == 2 && DBL_MANT_DIG == 53;

inline char* copy(char* out, const char* begin, const char* end) noexcept {
    const auto count = static_cast<std::size_t>(end - begin);
    std::memcpy(out, begin, count);
    return out + count;
}

/// As `write_float`, for values with at most six decimals and 15 digits; null for any other. Seven times as fast as the
/// search for the shortest digits.
///
/// A whole number of millionths below 2^53 is exact, so its quotient is the double nearest to its digits: if that is
/// `value`, the digits load as `value`. Different numbers of 15 digits are different doubles, so no shorter digits
/// exist.
inline char* write_short_float(char* out, double value) noexcept {
    constexpr std::uint32_t scale = 1'000'000;
    const double size = std::fabs(value);
    if (!divides_exactly || !(size < 1e9) || (size < 1e-4 && size != 0)) {
        return nullptr;
    }
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): the result is checked
    const auto millionths = static_cast<std::uint64_t>(size * scale + 0.5);
    if (static_cast<double>(millionths) / scale != size) {
        return nullptr;
    }
    if (std::signbit(value)) {
        *out++ = '-';
    }
    out = std::to_chars(out, out + 10, static_cast<std::uint32_t>(millionths / scale)).ptr;
    *out++ = '.';
    auto decimals = static_cast<std::uint32_t>(millionths % scale);
    for (std::uint32_t place = scale / 10;; place /= 10) {
        *out++ = static_cast<char>('0' + decimals / place);
        decimals %= place;
        if (decimals == 0) {
            return out;
        }
    }
}

/// Distinguishes a number too small for a double from one too large, by the position of its first digit that is not 0.
inline bool is_tiny(std::string_view text) noexcept {
    const auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
    std::int64_t magnitude = 0;  // the power of ten of that digit, plus 1
    bool behind_point = false;
    bool found = false;
    std::size_t at = 0;
    for (; at != text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
        if (text[at] == '.') {
            behind_point = true;
        } else if (is_digit(text[at])) {
            found = found || text[at] != '0';
            if (!behind_point && found) {
                ++magnitude;
            } else if (behind_point && !found) {
                --magnitude;
            }
        }
    }
    std::int64_t exponent = 0;
    if (at != text.size()) {
        const bool negative = text[++at] == '-';
        for (; at != text.size(); ++at) {
            if (is_digit(text[at]) && exponent < 1'000'000'000'000) {
                exponent = exponent * 10 + (text[at] - '0');
            }
        }
        exponent = negative ? -exponent : exponent;
    }
    return !found || magnitude + exponent < 0;
}

}  // namespace detail

/// Writes the fewest digits that load as `value`, which must be finite. Uses an exponent from 16 digits before the
/// point on, and from four zeros behind it. Returns the end, at most `longest_float` characters away.
template <std::floating_point T>
char* write_float(char* out, T value) noexcept {
    if constexpr (std::same_as<T, double>) {
        if (char* const end = detail::write_short_float(out, value)) {
            return end;
        }
    }
    char digits[32];
    const char* const end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific).ptr;
    const char* at = digits;
    if (*at == '-') {
        *out++ = *at++;
    }
    // at: d[.ddd]e+XX
    const char* const first = at++;
    const char* const fraction = *at == '.' ? at + 1 : at;
    const char* mantissa_end = fraction;
    while (*mantissa_end != 'e') {
        ++mantissa_end;
    }
    int exponent = 0;
    std::from_chars(mantissa_end + (mantissa_end[1] == '+' ? 2 : 1), end, exponent);
    if (exponent < -4 || exponent >= 16) {
        return detail::copy(out, first, end);
    }
    if (exponent < 0) {
        constexpr std::string_view zeros = "0.000";
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its end goes with it
        out = detail::copy(out, zeros.data(), zeros.data() + 1 - exponent);
        *out++ = *first;
        return detail::copy(out, fraction, mantissa_end);
    }
    *out++ = *first;
    for (at = fraction; exponent != 0; --exponent) {
        *out++ = at != mantissa_end ? *at++ : '0';
    }
    *out++ = '.';
    if (at == mantissa_end) {
        *out++ = '0';
        return out;
    }
    return detail::copy(out, at, mantissa_end);
}

/// The double nearest to `digits` with the last `places` of them behind the point. Null unless one division of two
/// exact doubles finds it (Clinger, "How to read floating point numbers accurately", 1990).
inline std::optional<double> short_float(std::uint64_t digits, std::ptrdiff_t places) noexcept {
    constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!detail::divides_exactly || digits > std::uint64_t{1} << 53 || places >= std::ssize(powers)) {
        return std::nullopt;
    }
    return static_cast<double>(digits) / powers[places];
}

/// The double nearest to a JSON number; null if that is infinite.
inline std::optional<double> read_double(std::string_view text) noexcept {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc::result_out_of_range && detail::is_tiny(text)) {
        return text.front() == '-' ? -0.0 : 0.0;
    }
    if (parsed.ec != std::errc() || std::isinf(value)) {
        return std::nullopt;
    }
    return value;
}

}  // namespace communica::codec
