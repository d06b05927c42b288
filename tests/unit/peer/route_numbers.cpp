#include "support/catch.hpp"

#include <communica/peer/route_numbers.hpp>

#include <optional>
#include <string>

namespace route_numbers_tests {

using communica::peer::RouteNumbers;

TEST_CASE("a route has one number, until there are too many or it is too long") {
    RouteNumbers numbers;
    const auto first = numbers.number_of("event");
    const auto second = numbers.number_of("log");
    CHECK(first != second);
    CHECK(numbers.number_of("event") == first);
    CHECK(numbers.route_of(first) == "event");
    CHECK(numbers.route_of(second) == "log");
    CHECK(numbers.number_of(std::string(RouteNumbers::max_route + 1, 'r')) == RouteNumbers::most);
    for (int number = 0; number != RouteNumbers::most; ++number) {
        numbers.number_of(std::to_string(number));
    }
    CHECK(numbers.number_of("another") == RouteNumbers::most);
    CHECK(numbers.route_of(RouteNumbers::most) == std::nullopt);
    CHECK(numbers.number_of("event") == first);

    numbers.clear();
    CHECK(numbers.route_of(numbers.number_of("another")) == "another");
}

}  // namespace route_numbers_tests
