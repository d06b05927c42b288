#include "support/catch.hpp"

#include <communica/wire/goodbye.hpp>

namespace goodbye_tests {

namespace wire = communica::wire;

namespace {

using communica::errc;

std::string written(errc why) {
    communica::Buffer out;
    wire::write_goodbye(out, why);
    return std::string(out.text());
}

errc read(std::string_view text) { return wire::read_goodbye(communica::as_bytes(text)); }

}  // namespace

TEST_CASE("a goodbye names its reason in a JSON string") {
    CHECK(written(errc::draining) == R"("draining")");
    CHECK(written(errc::replaced) == R"("replaced")");
}

TEST_CASE("every reason with a name is read back") {
    for (const auto& [value, name] : wire::named_errors) {
        CHECK(read(written(value)) == value);
    }
}

TEST_CASE("a reason that is not known, or not of the form, is that the other side closes") {
    for (const char* text : {"", "\"", "\"\"", "draining", "\"draining", "draining\"", R"("no such reason")", "null",
                             R"({"errc": "draining"})", R"(["draining"])", R"("connection_lost")"}) {
        INFO(text);
        CHECK(read(text) == errc::closed);
    }
}

}  // namespace goodbye_tests
