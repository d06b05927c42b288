// What the fuzz targets of the serializers share: a model with a field of every kind, and checks that end the program.
#pragma once

#include <communica/serializers/json.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace fuzz {

enum class Colour { red, green };
COMMUNICA_ENUM(Colour, red, green)

struct Cat {
    int lives = 9;
};
constexpr auto communica_model(communica::Type<Cat>) {
    return communica::model("Cat", communica::field("lives", &Cat::lives)).tag("kind", "cat");
}
struct Box {
    double width = 0;
    float height = 0;
};
COMMUNICA_MODEL(Box, width, height)
struct Legacy {
    int value = 0;
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(Legacy, value)
};

struct Model {
    std::vector<Model> children;
    std::optional<std::string> text;
    std::optional<std::uint8_t> number;
    std::optional<bool> truth;
    std::optional<Colour> colour;
    std::optional<std::variant<Cat, Box, std::map<std::string, int>>> object;
    std::optional<std::variant<int, double, std::string, std::vector<std::byte>, std::vector<Model>>> any;
    std::optional<std::vector<std::byte>> bytes;
    std::optional<std::array<std::byte, 4>> four;
    std::optional<std::chrono::milliseconds> wait;
    std::optional<std::chrono::system_clock::time_point> at;
    std::optional<std::tuple<int, bool>> tuple;
    std::optional<std::map<int, std::vector<float>>> map;
    std::optional<Legacy> legacy;
    std::optional<nlohmann::json> tree;
};
constexpr auto communica_model(communica::Type<Model>) {
    using communica::field;
    return communica::model("Model", field("children", &Model::children).optional(),
                            field("text", &Model::text).omit_null(), field("number", &Model::number).omit_null(),
                            field("truth", &Model::truth).omit_null(), field("colour", &Model::colour).omit_null(),
                            field("object", &Model::object).omit_null(), field("any", &Model::any).omit_null(),
                            field("bytes", &Model::bytes).omit_null(), field("four", &Model::four).omit_null(),
                            field("wait", &Model::wait).omit_null(), field("at", &Model::at).omit_null(),
                            field("tuple", &Model::tuple).omit_null(), field("map", &Model::map).omit_null(),
                            field("legacy", &Model::legacy).omit_null(), field("tree", &Model::tree).omit_null());
}

inline void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %s\n", what);
        std::abort();
    }
}

/// The loaded value; nothing if it is refused. Any exception but a `SerializerError` ends the program.
template <class T, class S>
std::optional<T> load(communica::Bytes bytes) {
    try {
        return std::optional<T>(std::in_place, S{}.template load<T>(bytes));
    } catch (const communica::SerializerError& e) {
        require(*e.what() != '\0', "a refusal says why");
        return std::nullopt;
    }
}

/// What is loaded can be dumped, and comes back the same. A dump may be refused for what the format has no form for.
template <class T, class S>
void check_round_trip(communica::Bytes bytes) {
    const auto value = load<T, S>(bytes);
    if (!value) {
        return;
    }
    communica::Buffer first;
    try {
        S{}.dump(*value, first);
    } catch (const communica::SerializerError&) {
        return;
    }
    const auto again = load<T, S>(first.bytes());
    require(again.has_value(), "what was dumped loads");
    communica::Buffer second;
    S{}.dump(*again, second);
    require(first.text() == second.text(), "what was dumped comes back the same");
}

}  // namespace fuzz
