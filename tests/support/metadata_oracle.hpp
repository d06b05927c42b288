// What metadata says, by way of a JSON tree: slow, short, and independent of the reader under test.
#pragma once

#include <communica/wire/metadata.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace test {

inline std::size_t depth_of(const nlohmann::json& tree) {
    std::size_t deepest = 0;
    if (tree.is_structured()) {
        for (const auto& element : tree) {
            deepest = std::max(deepest, depth_of(element));
        }
        ++deepest;
    }
    return deepest;
}

struct ExpectedMetadata {
    nlohmann::json tree;  ///< what an answer has to be, but for its type
    int type = 0;
    std::string id;
    std::optional<std::string> route;
    std::optional<std::chrono::milliseconds> timeout = communica::wire::standard_timeout;
    std::optional<nlohmann::json> headers;

    /// Nothing if the text is not metadata.
    static std::optional<ExpectedMetadata> of(const std::string& text) {
        const auto tree = nlohmann::json::parse(text, nullptr, false);
        const bool ends_early = text.find('\0') != text.npos;  // nlohmann/json takes a zero byte for the end
        if (ends_early || !tree.is_object() || !tree.contains("type") || depth_of(tree) > 128) {
            return std::nullopt;
        }
        const auto& type = tree["type"];
        if (!type.is_number() && !type.is_boolean()) {
            return std::nullopt;
        }
        const double value = type.is_boolean() ? (type.get<bool>() ? 1 : 0) : type.get<double>();
        const bool listed = std::abs(value) <= 1e6 && value == std::trunc(value);
        ExpectedMetadata expected{.tree = tree,
                                  .type = listed ? static_cast<int>(value) : (value < 11 ? 0 : 1000),
                                  .id = {},
                                  .route = {},
                                  .timeout = timeout_in(tree),
                                  .headers = headers_in(tree)};
        if (tree.contains("id") && tree["id"].is_string()) {
            expected.id = tree["id"].get<std::string>();
        }
        if (tree.contains("route") && tree["route"].is_string()) {
            expected.route = tree["route"].get<std::string>();
        }
        return expected;
    }

 private:
    static std::optional<std::chrono::milliseconds> timeout_in(const nlohmann::json& object) {
        const auto found = object.find("timeout");
        if (found == object.end() || !(found->is_null() || found->is_number())) {
            return communica::wire::standard_timeout;
        }
        return found->is_null() ? std::nullopt
                                : std::optional(std::chrono::milliseconds{
                                      static_cast<std::int64_t>(std::clamp(found->get<double>(), 0.0, 1e12))});
    }

    static std::optional<nlohmann::json> headers_in(const nlohmann::json& object) {
        const auto found = object.find("headers");
        const bool are_texts =
            found != object.end() && found->is_object() &&
            std::all_of(found->begin(), found->end(), [](const auto& text) { return text.is_string(); });
        return are_texts ? std::optional<nlohmann::json>(std::in_place, *found) : std::nullopt;
    }
};

}  // namespace test
