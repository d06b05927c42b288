#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/connectors/detail/state.hpp>

namespace state_tests {

namespace {

using communica::errc;
using communica::detail::ConnectorState;

ConnectorState state(const std::string& members) { return {R"({"type": "T", )" + members + "}", "T"}; }

template <class T>
std::error_code error_of(const std::string& value) {
    return test::code_of([&] { return state("\"key\": " + value).get<T>("key"); });
}

}  // namespace

TEST_CASE("a state's values are read by key") {
    const auto read = state(R"("number": 7, "text": "x", "yes": true, "none": null)");
    CHECK(read.get<int>("number") == 7);
    CHECK(read.get<std::string>("text") == "x");
    CHECK(read.get_or("yes", false));
    CHECK(read.get_or("none", 5) == 5);
    CHECK(read.get_or("absent", std::string("otherwise")) == "otherwise");
}

TEST_CASE("a value that is absent or of another type is an invalid state") {
    CHECK(test::code_of([] { return state(R"("a": 1)").get<int>("b"); }) == errc::invalid_state);
    CHECK(error_of<int>("\"7\"") == errc::invalid_state);
    CHECK(error_of<std::string>("7") == errc::invalid_state);
    CHECK(error_of<bool>("1") == errc::invalid_state);
    CHECK(test::code_of([] { return state(R"("a": 1)").get_or("a", std::string()); }) == errc::invalid_state);
}

TEST_CASE("an integer is neither rounded nor wrapped") {
    CHECK(error_of<std::uint8_t>("255") == std::error_code());
    CHECK(error_of<int>("-2147483648") == std::error_code());
    for (const char* value : {"256", "-1", "1.0", "1e1", "4294967296", "18446744073709551615", "true", "null"}) {
        CHECK(error_of<std::uint8_t>(value) == errc::invalid_state);
    }
    CHECK(error_of<int>("4294967296") == errc::invalid_state);
    CHECK(error_of<std::int64_t>("18446744073709551615") == errc::invalid_state);
    CHECK(error_of<int>(std::string(100'000, '[') + std::string(100'000, ']')) == errc::invalid_state);
}

TEST_CASE("a state is an object that says its type") {
    const auto error = [](const char* text) { return test::code_of([&] { return ConnectorState(text, "T"); }); };
    for (const char* text : {"", "{}", "[]", "\"T\"", "null", R"({"type": null})", R"({"type": ["T"]})",
                             R"({"type": "U"})", R"({"Type": "T"})", R"({"type": "T"} x)"}) {
        CHECK(error(text) == errc::invalid_state);
    }
    CHECK(error(R"({"type": "T"})") == std::error_code());
}

TEST_CASE("text is quoted in ASCII") {
    CHECK(communica::detail::quote_ascii("a\"\xc3\xa9\n") == R"("a\"\u00e9\n")");
    CHECK(communica::detail::quote_ascii("") == "\"\"");
}

}  // namespace state_tests
