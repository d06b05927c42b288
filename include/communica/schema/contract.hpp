// Writes the routes of a table and their types as a contract file, which can be stored and compared
// (docs/contracts.md).
#pragma once

#include "../entities/route_table.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace communica {
namespace schema {

/// Removes a keyword whose value is a text from a schema and its nested schemas.
inline void leave_out(const char* keyword, nlohmann::json& schema) {
    if (schema.is_object() && schema.contains(keyword) && schema.at(keyword).is_string()) {
        schema.erase(keyword);
    }
    if (!schema.is_structured()) {
        return;
    }
    for (auto& [key, inside] : schema.items()) {
        if (schema.is_object() && (key == "properties" || key == "$defs")) {  // their keys are the user's names
            for (auto& [name, named] : inside.items()) {
                leave_out(keyword, named);
            }
        } else {
            leave_out(keyword, inside);
        }
    }
}

}  // namespace schema

/// Converts the routes of an inspection to a contract: a JSON object keyed by route. It omits the descriptions.
inline nlohmann::json contract_of(const nlohmann::json& routes) {
    nlohmann::json contract;
    contract["communica_contract"] = 1;
    contract["routes"] = nlohmann::json::object();
    for (const auto& route : routes) {
        nlohmann::json promised = route;
        promised.erase("route");
        promised.erase("doc");
        promised.erase("counters");
        for (auto& [part, types] : promised.items()) {
            schema::leave_out("description", types);
        }
        contract["routes"][route.at("route").get<std::string>()] = std::move(promised);
    }
    return contract;
}

/// Returns the routes of a table and their types as canonical text, which does not depend on the order in which routes
/// were added. A route of a plain `RouteTable` has only its kind; use a `DescribedTable` for its types.
template <Serializer S>
std::string contract(const RouteTable<S>& table) {
    nlohmann::json routes = nlohmann::json::array();
    for (const auto& [name, described] : table.handlers()) {
        const auto& description = described.description;
        nlohmann::json route;
        if (description && description->types != nullptr) {
            route = nlohmann::json::parse(description->types(description->value_names));
        } else {
            route["kind"] = described.handler->opens_streams() ? "stream" : "request";
        }
        route["route"] = name;
        routes.push_back(std::move(route));
    }
    return contract_of(routes).dump(2) + "\n";
}

}  // namespace communica
