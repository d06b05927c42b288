// Time points of the system clock as ISO 8601 text, which Python's datetime.fromisoformat reads.
#pragma once

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace communica::codec {

/// `2024-05-06T07:08:09.123+00:00`, in UTC, with none, three, six or nine decimals, as few as are exact. Before 3.11
/// Python's `fromisoformat` accepts no `Z`, and no other number of decimals, nor nine. Null for a year that does not
/// have four digits.
template <class Duration>
std::optional<std::string> time_text(std::chrono::time_point<std::chrono::system_clock, Duration> time) {
    using namespace std::chrono;
    using Period = typename Duration::period;
    constexpr long double first = -62'167'219'200.0L;  // first seconds of the year 0 and of the year 10000
    constexpr long double end = 253'402'300'800.0L;
    const long double seconds = static_cast<long double>(time.time_since_epoch().count()) * Period::num / Period::den;
    if (!(seconds >= first && seconds < end)) {  // also for the calendar, whose years have 16 bits
        return std::nullopt;
    }
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const auto since_midnight = floor<nanoseconds>(time - day);
    const hh_mm_ss clock(since_midnight);
    const int year = static_cast<int>(date.year());
    char text[48];
    const int length =
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", year, static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    std::string result(text, static_cast<std::size_t>(length));
    const auto fraction = duration_cast<nanoseconds>(clock.subseconds()).count();
    const std::size_t digits = fraction == 0 ? 0 : fraction % 1'000'000 == 0 ? 3 : fraction % 1'000 == 0 ? 6 : 9;
    if (digits != 0) {
        std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(fraction));
        result.append(text, digits + 1);
    }
    return result + "+00:00";
}

namespace detail {

/// Takes exactly `count` digits from the front.
inline std::optional<int> take_digits(std::string_view& text, std::size_t count) {
    int value = 0;
    if (text.size() < count || text.front() == '-') {
        return std::nullopt;
    }
    const char* const begin = &text.front();
    const auto parsed = std::from_chars(begin, begin + count, value);
    if (parsed.ec != std::errc() || parsed.ptr != begin + count) {
        return std::nullopt;
    }
    text.remove_prefix(count);
    return value;
}
inline bool take(std::string_view& text, char byte) {
    if (!text.starts_with(byte)) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// Reads `Z` or an offset `+02:00` at the end of the text, in minutes.
inline std::optional<std::chrono::minutes> read_zone(std::string_view text) {
    if (text == "Z") {
        return std::chrono::minutes(0);
    }
    const bool west = text.starts_with('-');
    if (!west && !text.starts_with('+')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    const auto hours = take_digits(text, 2);
    if (!hours || !take(text, ':')) {
        return std::nullopt;
    }
    const auto minutes = take_digits(text, 2);
    if (!minutes || *hours > 23 || *minutes > 59 || !text.empty()) {
        return std::nullopt;
    }
    const std::chrono::minutes offset(*hours * 60 + *minutes);
    return west ? -offset : offset;
}

/// Reads a point with one to nine digits, if there is one.
inline std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
    std::int64_t value = 0;
    if (take(text, '.')) {
        std::size_t count = 0;
        for (; count != 9 && !text.empty() && text.front() >= '0' && text.front() <= '9'; ++count) {
            value = value * 10 + (text.front() - '0');
            text.remove_prefix(1);
        }
        if (count == 0) {
            return std::nullopt;
        }
        for (; count != 9; ++count) {
            value *= 10;
        }
    }
    return std::chrono::nanoseconds(value);
}

}  // namespace detail

/// The time since 1970 in UTC, without leap seconds. The fraction, less than a second, is added to the whole seconds.
struct Timestamp {
    std::chrono::seconds seconds{};
    std::chrono::nanoseconds fraction{};
    bool is_rounded = false;  ///< the fraction comes from a float: round to the nearest tick
};

/// Converts seconds since 1970 as a float below 2^53. Rounds to the microsecond if the float is the one nearest to it,
/// as with the clocks of JavaScript and Python.
inline Timestamp timestamp_of(double since_1970) noexcept {
    const double seconds = std::floor(since_1970);
    const double microseconds = std::round(since_1970 * 1e6);
    Timestamp stamp{.seconds = std::chrono::seconds(static_cast<std::int64_t>(seconds)), .is_rounded = true};
    if (std::fabs(microseconds) < 0x1p53 && microseconds / 1e6 == since_1970) {
        stamp.fraction = std::chrono::microseconds(static_cast<std::int64_t>(microseconds)) - stamp.seconds;
    } else {
        stamp.fraction = std::chrono::nanoseconds(std::llround((since_1970 - seconds) * 1e9));
    }
    return stamp;
}

/// Null for a time out of the type's range, or finer than its ticks.
template <class Duration>
std::optional<std::chrono::time_point<std::chrono::system_clock, Duration>> time_of(const Timestamp& stamp) {
    using namespace std::chrono;
    using Period = typename Duration::period;
    constexpr long double tick = static_cast<long double>(Period::num) / Period::den;
    const auto whole = static_cast<long double>(stamp.seconds.count());
    if (whole < static_cast<long double>(Duration::min().count()) * tick + 1 ||
        whole > static_cast<long double>(Duration::max().count()) * tick - 1) {
        return std::nullopt;
    }
    auto ticks = duration_cast<Duration>(stamp.fraction);
    if constexpr (!treat_as_floating_point_v<typename Duration::rep>) {
        if (stamp.is_rounded) {
            ticks = round<Duration>(stamp.fraction);
        } else if (duration_cast<nanoseconds>(ticks) != stamp.fraction) {
            return std::nullopt;
        }
    }
    if (duration_cast<seconds>(duration_cast<Duration>(stamp.seconds)) != stamp.seconds) {
        return std::nullopt;
    }
    return time_point<system_clock, Duration>(duration_cast<Duration>(stamp.seconds) + ticks);
}

/// Reads the text of `time_text`, with up to nine decimals and any offset. Null for other text, for a day or hour that
/// does not exist, and for a time out of the type's range or finer than its ticks.
template <class Duration>
std::optional<std::chrono::time_point<std::chrono::system_clock, Duration>> read_time(std::string_view text) {
    using namespace std::chrono;
    int parts[6];  // year, month, day, hour, minute, second
    constexpr char separators[] = "\0--T::";
    for (std::size_t index = 0; index != 6; ++index) {
        if (index != 0 && !detail::take(text, separators[index])) {
            return std::nullopt;
        }
        const auto part = detail::take_digits(text, index == 0 ? 4 : 2);
        if (!part) {
            return std::nullopt;
        }
        parts[index] = *part;
    }
    const auto fraction = detail::take_fraction(text);
    const auto zone = fraction ? detail::read_zone(text) : std::nullopt;
    const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                              day(static_cast<unsigned>(parts[2]))};
    if (!zone || !date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) {
        return std::nullopt;
    }
    const seconds since_epoch =
        sys_days(date).time_since_epoch() + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]) - *zone;
    return time_of<Duration>({.seconds = since_epoch, .fraction = *fraction});
}

}  // namespace communica::codec
