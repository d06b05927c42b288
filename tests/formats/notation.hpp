// The notation of notation.py, written and read.
#pragma once

#include "support/serialized.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace formats {

using Json = nlohmann::json;

template <std::integral T>
Json integer_notation(T value) {
    return {{"i", std::to_string(value)}};
}

inline Json floating_notation(double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.17g", value);
    return {{"f", text}};
}

inline Json bytes_notation(const void* data, std::size_t size) {
    return {{"bytes", test::to_hex({static_cast<const char*>(data), size})}};
}

using Pairs = std::vector<std::pair<Json, Json>>;

inline Json map_notation(const Pairs& pairs) { return {{"map", pairs}}; }

template <class Range, class Notation>
Json array_notation(const Range& range, Notation notation) {
    Json array = Json::array();
    for (const auto& element : range) {
        array.push_back(notation(element));
    }
    return array;
}

inline Json tree_notation(const Json& tree) {
    switch (tree.type()) {
        case Json::value_t::number_integer: return integer_notation(tree.get<std::int64_t>());
        case Json::value_t::number_unsigned: return integer_notation(tree.get<std::uint64_t>());
        case Json::value_t::number_float: return floating_notation(tree.get<double>());
        case Json::value_t::array: return array_notation(tree, tree_notation);
        case Json::value_t::object: {
            Pairs pairs;
            for (const auto& [key, value] : tree.items()) {
                pairs.emplace_back(key, tree_notation(value));
            }
            return map_notation(pairs);
        }
        case Json::value_t::binary: {
            Json notation = bytes_notation(tree.get_binary().data(), tree.get_binary().size());
            if (tree.get_binary().has_subtype()) {
                notation["subtype"] = tree.get_binary().subtype();
            }
            return notation;
        }
        default: return tree;
    }
}

/// Writes the answer to each line of the standard input.
template <class Answer>
void answer_lines(Answer answer) {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::cout << answer(Json::parse(line)).dump() << "\n";
    }
}

}  // namespace formats
