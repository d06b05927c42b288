// std::chrono: durations as seconds, time points of the system clock as ISO 8601 text.
#pragma once

#include "codec.hpp"
#include "time_text.hpp"

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace communica::codec {

/// Writes seconds, as an integer if they are whole. Reads to the nearest tick. Refuses to write a duration that would
/// load as a different one. Up to 2^53 ticks, 104 days of nanoseconds, are always exact.
template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
    using Duration = std::chrono::duration<Rep, Period>;
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::number);
    static std::string expected() { return "number of seconds"; }

    template <class W>
    static void write(W& writer, Duration value) {
        if constexpr (std::integral<Rep>) {
            constexpr long double most = 9.2e18L;  // seconds that 64 bits hold
            if (std::fabs(static_cast<long double>(value.count()) / per_second) < most) {
                const auto whole = std::chrono::duration_cast<std::chrono::duration<std::int64_t>>(value);
                if (Duration(std::chrono::duration_cast<Duration>(whole)) == value) {
                    writer.integer(whole.count());
                    return;
                }
            }
        }
        const double seconds = std::chrono::duration<double>(value).count();
        if constexpr (std::integral<Rep>) {
            if (from(seconds) != value.count()) {
                writer.fail("a duration that a number of seconds does not hold exactly");
            }
        }
        writer.floating(seconds);
    }

    template <class R>
    static Duration read(R& reader) {
        if (reader.peek() != Kind::number) {
            wrong(reader, expected());
        }
        const Number number = reader.read_number();
        if constexpr (std::floating_point<Rep>) {
            if (const auto seconds = number_as<double>(number)) {
                return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
            }
        } else if (number.form == Number::Form::floating) {
            if (const auto ticks = from(number.floating)) {
                return Duration(static_cast<Rep>(*ticks));
            }
        } else if (const auto seconds = number_as<std::int64_t>(number)) {
            // 128-bit products are not portable, so the range is checked with long doubles first.
            if (in_range(static_cast<long double>(*seconds) * per_second)) {
                return std::chrono::round<Duration>(std::chrono::duration<std::int64_t>(*seconds));
            }
        }
        reader.fail("expected " + expected() + " that fits its type, got " + text_of(number));
    }

 private:
    static constexpr long double per_second = static_cast<long double>(Period::den) / Period::num;

    static bool in_range(long double ticks) noexcept {
        // One less, because a long double may have rounded the limits up.
        return ticks > static_cast<long double>(std::numeric_limits<Rep>::min()) - 1 &&
               ticks < static_cast<long double>(std::numeric_limits<Rep>::max());
    }
    /// The nearest number of ticks, if it is in range.
    static std::optional<std::int64_t> from(double seconds) noexcept {
        const long double ticks = std::round(static_cast<long double>(seconds) * per_second);
        if (!in_range(ticks)) {
            return std::nullopt;
        }
        return static_cast<std::int64_t>(ticks);
    }
};

template <class Duration>
struct Codec<std::chrono::time_point<std::chrono::system_clock, Duration>> {
    using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;
    static constexpr bool writes = true;
    static constexpr bool reads = true;
    static constexpr Kinds kinds = codec::kinds(Kind::string, Kind::number, Kind::extension);
    static std::string expected() { return "time as in \"2024-05-06T07:08:09Z\""; }

    template <class W>
    static void write(W& writer, TimePoint value) {
        const auto text = time_text(value);
        if (!text) {
            writer.fail("a time that is not in the years 0 to 9999");
        }
        writer.string(*text);
    }
    template <class R>
    static TimePoint read(R& reader) {
        if constexpr (requires { reader.read_timestamp(); }) {
            if (const auto stamp = reader.read_timestamp()) {
                if (const auto value = time_of<Duration>(*stamp)) {
                    return *value;
                }
                reader.fail("expected " + expected() + ", got a time that the type does not hold");
            }
        }
        if (reader.peek() != Kind::string) {
            wrong(reader, expected());
        }
        std::string scratch;
        const std::string_view text = reader.read_string(scratch);
        const auto value = read_time<Duration>(text);
        if (!value) {
            reader.fail("expected " + expected() + ", got " + quoted(text));
        }
        return *value;
    }
};

}  // namespace communica::codec
