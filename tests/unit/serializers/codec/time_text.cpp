#include "support/catch.hpp"

#include <communica/serializers/codec/time_text.hpp>

namespace time_text_tests {

namespace {

using namespace std::chrono;
using communica::codec::read_time;
using communica::codec::time_text;
using communica::codec::detail::take_digits;

}  // namespace

TEST_CASE("a time has no digits, three, six or nine, as few as it needs, and comes back") {
    const sys_seconds time(seconds(1'700'000'000));
    CHECK(time_text(time) == "2023-11-14T22:13:20+00:00");
    CHECK(time_text(time_point_cast<milliseconds>(time)) == "2023-11-14T22:13:20+00:00");
    CHECK(time_text(sys_time<microseconds>(time + microseconds(7))) == "2023-11-14T22:13:20.000007+00:00");
    CHECK(time_text(sys_time<minutes>(minutes(1))) == "1970-01-01T00:01:00+00:00");
    CHECK(time_text(sys_days(days(-1))) == "1969-12-31T00:00:00+00:00");
    CHECK(time_text(sys_time<milliseconds>(milliseconds(-1))) == "1969-12-31T23:59:59.999+00:00");
    CHECK(time_text(sys_time<milliseconds>(time + milliseconds(5))) == "2023-11-14T22:13:20.005+00:00");
    CHECK(time_text(sys_time<nanoseconds>(time + milliseconds(50))) == "2023-11-14T22:13:20.050+00:00");
    CHECK(time_text(sys_time<nanoseconds>(time + nanoseconds(1))) == "2023-11-14T22:13:20.000000001+00:00");
    for (const std::int64_t count : {0LL, -1LL, 1LL, 999'999'999LL, -62'135'596'800LL, 253'402'300'799LL}) {
        CHECK(read_time<seconds>(*time_text(sys_seconds(seconds(count)))) == sys_seconds(seconds(count)));
    }
    CHECK(time_text(sys_seconds(seconds(253'402'300'800))) == std::nullopt);
    CHECK(time_text(sys_seconds(seconds(-62'167'219'201))) == std::nullopt);
}

TEST_CASE("offsets and fractions of any length are read") {
    const sys_time<nanoseconds> noon = sys_days(year(2024) / 2 / 29) + hours(12);
    CHECK(read_time<nanoseconds>("2024-02-29T12:00:00Z") == noon);
    CHECK(read_time<nanoseconds>("2024-02-29T14:30:00+02:30") == noon);
    CHECK(read_time<nanoseconds>("2024-02-29T00:00:00-12:00") == noon);
    CHECK(read_time<nanoseconds>("2024-02-29T12:00:00.5Z") == noon + milliseconds(500));
    CHECK(read_time<nanoseconds>("2024-02-29T12:00:00.000000001Z") == noon + nanoseconds(1));
    CHECK(read_time<seconds>("2024-02-29T12:00:00.000Z") == time_point_cast<seconds>(noon));
}

TEST_CASE("what is not a time, or not one of the type, is refused") {
    for (const char* text : {"",
                             "2024",
                             "2024-02-29",
                             "2024-02-29 12:00:00Z",
                             "2024-02-29T12:00:00",
                             "2024-02-30T12:00:00Z",
                             "2023-02-29T12:00:00Z",
                             "2024-13-01T12:00:00Z",
                             "2024-00-01T12:00:00Z",
                             "2024-02-29T24:00:00Z",
                             "2024-02-29T12:60:00Z",
                             "2024-02-29T12:00:60Z",
                             "2024-02-29T12:00:00.Z",
                             "2024-02-29T12:00:00.1234567890Z",
                             "2024-02-29T12:00:00Zx",
                             "2024-02-29T12:00:00+24:00",
                             "2024-02-29T12:00:00+0230",
                             "2024-02-29T12:00:00+02:60",
                             "-024-02-29T12:00:00Z",
                             "2024-02--9T12:00:00Z",
                             "2024-02-29T12:00:00.5"}) {
        INFO(text);
        CHECK(read_time<nanoseconds>(text) == std::nullopt);
    }
    CHECK(read_time<seconds>("2024-02-29T12:00:00.5Z") == std::nullopt);  // finer than its ticks
    CHECK(read_time<days>("2024-02-29T12:00:00Z") == std::nullopt);
    CHECK(read_time<nanoseconds>("2300-01-01T00:00:00Z") == std::nullopt);  // beyond 64 bits of nanoseconds
    CHECK(read_time<nanoseconds>("1600-01-01T00:00:00Z") == std::nullopt);
    CHECK(read_time<seconds>("9999-12-31T23:59:59Z").has_value());
}

}  // namespace time_text_tests
