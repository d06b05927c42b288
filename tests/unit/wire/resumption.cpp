#include "support/catch.hpp"

#include <communica/wire/resumption.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resumption_tests {

namespace {

using Ids = std::vector<std::string_view>;

std::string written(const Ids& ids) {
    communica::Buffer out;
    communica::wire::write_resumption(out, [&](auto add) {
        for (const auto id : ids) {
            add(id);
        }
    });
    return std::string(out.text());
}

std::optional<Ids> read(std::string_view text) {
    Ids ids;
    const bool is_one =
        communica::wire::read_resumption(communica::as_bytes(text), [&](std::string_view id) { ids.push_back(id); });
    return is_one ? std::optional(ids) : std::nullopt;
}

}  // namespace

TEST_CASE("a resumption is a JSON array of ids") {
    CHECK(written({}) == "[]");
    CHECK(written({"a"}) == R"(["a"])");
    CHECK(written({"a", "bc", ""}) == R"(["a", "bc", ""])");
}

TEST_CASE("ids that another program chose are written as JSON wants it") {
    CHECK(written({R"(a"b)", "c\\d", "e\n"}) == R"(["a\"b", "c\\d", "e\n"])");
}

TEST_CASE("a resumption may have other spaces, and ids that are not of this library") {
    CHECK(read(R"(["a","b"])") == Ids{"a", "b"});
    CHECK(read(" [ \"a\"\n,\t\"b\" ] \r\n") == Ids{"a", "b"});
    CHECK(read("[ ]") == Ids{});
    CHECK(read(R"(["a\"b", "c\\", "d"])") == Ids{R"(a\"b)", R"(c\\)", "d"});
}

TEST_CASE("what was written is read") {
    for (const Ids& ids : {Ids{}, Ids{"a"}, Ids{"a", "bc", ""}}) {
        CHECK(read(written(ids)) == ids);
    }
}

TEST_CASE("what is no resumption is told from one without ids") {
    for (const std::string_view text :
         {"", "[", "]", "[\"", "[\"a", "[\"a\"", "[\"a\", ", "[\"a\", \"", "[\"a\" \"b\"]", "[\"a\"]]", "{}", "null",
          "[1]", "[\"a\",]", "[,\"a\"]", "[\"a\\\"]", "[\"a\\"}) {
        CAPTURE(text);
        CHECK_FALSE(read(text));
    }
}

}  // namespace resumption_tests
