#include "support/catch.hpp"

#include <communica/version.hpp>

#include <string>

namespace version_tests {

TEST_CASE("The version is the same as a number and as a text") {
    const int number = COMMUNICA_VERSION;
    const std::string text =
        std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." + std::to_string(number % 100);
    CHECK(communica::version == text);
}

}  // namespace version_tests
