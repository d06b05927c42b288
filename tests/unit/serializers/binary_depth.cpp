#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/msgpack.hpp>

namespace binary_depth_tests {

namespace {

using nlohmann::json;

struct Node {
    std::vector<Node> children;
};
COMMUNICA_MODEL(Node, children)

constexpr const char* too_deep = "nested deeper than 128 levels";

std::string repeated(std::string_view part, std::size_t count) {
    std::string text;
    for (; count != 0; --count) {
        text += part;
    }
    return text;
}

json nested_tree(std::size_t depth) {
    json tree = json::array();
    while (--depth != 0) {
        json outer = json::array();
        outer.push_back(std::move(tree));
        tree = std::move(outer);
    }
    return tree;
}

template <class S>
void check_depth(const std::string& array, const std::string& empty_array) {
    CHECK(test::load<S, json>(repeated(array, 127) + empty_array) == nested_tree(128));
    CHECK(test::dump<S>(nested_tree(128)) == repeated(array, 127) + empty_array);
    CHECK_THAT((test::refusal<S, json>(repeated(array, 128) + empty_array).value()),
               Catch::Matchers::ContainsSubstring(too_deep));
    CHECK_THROWS_AS(test::dump<S>(nested_tree(129)), communica::SerializerError);

    const std::string deep = repeated(array, 1'000'000);
    CHECK_THAT((test::refusal<S, json>(deep).value()), Catch::Matchers::ContainsSubstring(too_deep));
    CHECK_THAT((test::refusal<S, json>(deep + empty_array).value()), Catch::Matchers::ContainsSubstring(too_deep));
    CHECK_THROWS_AS(test::dump<S>(nested_tree(1'000'000)), communica::SerializerError);
}

}  // namespace

TEST_CASE("MessagePack of 128 levels is taken, of 129 and of a million refused") {
    check_depth<communica::MsgpackSerializer>("\x91", "\x90");
    const std::string objects = repeated("\x81\xa1k", 1'000'000);
    CHECK_THAT((test::refusal<communica::MsgpackSerializer, json>(objects).value()),
               Catch::Matchers::ContainsSubstring(too_deep));
}

TEST_CASE("CBOR of 128 levels is taken, of 129 and of a million refused") {
    check_depth<communica::CborSerializer>("\x81", "\x80");
    for (const char* opening : {"\x9f", "\xa1\x61k", "\xbf\x61k"}) {
        CHECK_THAT((test::refusal<communica::CborSerializer, json>(repeated(opening, 1'000'000)).value()),
                   Catch::Matchers::ContainsSubstring(too_deep));
    }
    // Tags are no levels, and do not recurse.
    CHECK(test::load<communica::CborSerializer, json>(repeated("\xc1", 1'000'000) + '\x01') == 1);
}

TEST_CASE("a model of its own type, and what is skipped, is bounded as well") {
    const std::string node =
        "\x81\xa8"
        "children\x91";
    CHECK_NOTHROW(test::load<communica::MsgpackSerializer, Node>(repeated(node, 63) + "\x81\xa8"
                                                                                      "children\x90"));
    CHECK_THAT((test::refusal<communica::MsgpackSerializer, Node>(repeated(node, 1'000'000)).value()),
               Catch::Matchers::ContainsSubstring(too_deep));
    CHECK_THAT(
        (test::refusal<communica::MsgpackSerializer, Node>("\x81\xa4skip" + repeated("\x91", 1'000'000)).value()),
        Catch::Matchers::ContainsSubstring(too_deep));
    Node deep;
    for (int level = 0; level != 100; ++level) {
        Node outer;
        outer.children.push_back(std::move(deep));
        deep = std::move(outer);
    }
    CHECK_THROWS_AS(test::dump<communica::MsgpackSerializer>(deep), communica::SerializerError);
}

}  // namespace binary_depth_tests
