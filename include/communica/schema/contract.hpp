// What the routes of a table have promised, as a file that can be kept and compared (docs/contracts.md).
#pragma once

#include "../entities/route_table.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace communica {
namespace schema {

/// Takes the sentences out of a schema, and out of those inside it.
inline void leave_out_descriptions(nlohmann::json& schema) {
    if (schema.is_object() && schema.contains("description") && schema.at("description").is_string()) {
        schema.erase("description");
    }
    if (!schema.is_structured()) {
        return;
    }
    for (auto& [key, inside] : schema.items()) {
        if (schema.is_object() && (key == "properties" || key == "$defs")) {  // keys of the user's
            for (auto& [name, named] : inside.items()) {
                leave_out_descriptions(named);
            }
        } else {
            leave_out_descriptions(inside);
        }
    }
}

}  // namespace schema

/// Of routes as an inspection lists them: a JSON object by their names. The texts that describe them are no part of it.
inline nlohmann::json contract_of(const nlohmann::json& routes) {
    nlohmann::json contract;
    contract["communica_contract"] = 1;
    contract["routes"] = nlohmann::json::object();
    for (const auto& route : routes) {
        nlohmann::json promised = route;
        promised.erase("route");
        promised.erase("doc");
        for (auto& [part, types] : promised.items()) {
            schema::leave_out_descriptions(types);
        }
        contract["routes"][route.at("route").get<std::string>()] = std::move(promised);
    }
    return contract;
}

/// The routes of a table and their types, as text in a canonical form: the same for the same types, whatever the order in which they were
/// added. Of a route that was added to a `RouteTable` the kind alone is known: use a `DescribedTable`.
template <Serializer S>
std::string contract(const RouteTable<S>& table) {
    nlohmann::json routes = nlohmann::json::array();
    for (const auto& [name, described] : table.handlers()) {
        const auto& description = described.description;
        nlohmann::json route;
        if (description && description->types != nullptr) {
            route = nlohmann::json::parse(description->types());
        } else {
            route["kind"] = described.handler->opens_streams() ? "stream" : "request";
        }
        route["route"] = name;
        routes.push_back(std::move(route));
    }
    return contract_of(routes).dump(2) + "\n";
}

}  // namespace communica
