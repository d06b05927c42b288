// The description of a route, for inspection.
#pragma once

#include <string>

namespace communica::peer {

struct RouteDescription {
    /// Returns a JSON object of the route's kind, types (as JSON Schema) and serializer; null if the types are not
    /// known. A function, so that schemas are compiled only where they are used, and made only when a peer inspects.
    std::string (*types)() = nullptr;
    std::string text = {};  ///< its purpose, in a sentence
};

}  // namespace communica::peer
