// What a route says of itself to those who inspect its server.
#pragma once

#include <string>

namespace communica::peer {

struct RouteDescription {
    /// Gives the JSON object of its kind, its types as JSON Schema and its serializer; null where the types are not known. A
    /// function, so that schemas are made when somebody asks for them, and compiled where they are wanted.
    std::string (*types)() = nullptr;
    std::string text = {};  ///< what it is for, in a sentence
};

}  // namespace communica::peer
