// Which version of the library this is, by semantic versioning. CMake and pkg-config take it from here.
#pragma once

#include <string_view>

#define COMMUNICA_VERSION_MAJOR 0
#define COMMUNICA_VERSION_MINOR 1
#define COMMUNICA_VERSION_PATCH 0

/// For `#if`: 1.2.3 is 10203.
#define COMMUNICA_VERSION (COMMUNICA_VERSION_MAJOR * 10000 + COMMUNICA_VERSION_MINOR * 100 + COMMUNICA_VERSION_PATCH)

namespace communica {

/// The same as a text. Until 1.0 a minor version may change the interface, a patch may not.
inline constexpr std::string_view version = "0.1.0";

}  // namespace communica
