// The description of a route, for inspection.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace communica::peer {

/// The names of a route's several values; empty without names.
using ValueNames = std::span<const std::string>;

struct RouteDescription {
    /// Returns a JSON object of the route's kind, types (as JSON Schema) and serializer; null if the types are not
    /// known. A function, so that schemas are compiled only where they are used, and made only when a peer inspects.
    std::string (*types)(ValueNames) = nullptr;
    std::string text = {};  ///< its purpose, in a sentence
    std::vector<std::string> value_names = {};
};

}  // namespace communica::peer
