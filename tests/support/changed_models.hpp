// Types of which one may replace another in a new version of a program, or be one of several.
#pragma once

#include <communica/serializers/model.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace test {

struct One {
    std::int32_t a = 0;
};
COMMUNICA_MODEL(One, a)
struct WithOptional {
    std::int32_t a = 0;
    std::optional<std::string> b = {};
};
COMMUNICA_MODEL(WithOptional, a, b)
struct WithRequired {
    std::int32_t a = 0;
    std::string b = {};
};
COMMUNICA_MODEL(WithRequired, a, b)
enum class Colour { red, green };
COMMUNICA_ENUM(Colour, red, green)
enum class MoreColours { red, green, pink };
COMMUNICA_ENUM(MoreColours, red, green, pink)
struct Circle {
    double r = 1;
};
constexpr auto communica_model(communica::Type<Circle>) {
    return communica::model("Circle", communica::field("r", &Circle::r)).tag("kind", "circle");
}
struct Square {
    double side = 1;
};
constexpr auto communica_model(communica::Type<Square>) {
    return communica::model("Square", communica::field("side", &Square::side)).tag("kind", "square");
}

}  // namespace test
