// Which version of the library this is, by semantic versioning. CMake and pkg-config take it from here.
#pragma once

#include <string_view>

/// Raised by a change to the interface, from 1.0 on.
#define COMMUNICA_VERSION_MAJOR 0
/// Raised by what is new; until 1.0 also by a change to the interface.
#define COMMUNICA_VERSION_MINOR 1
/// Raised by what is mended.
#define COMMUNICA_VERSION_PATCH 0

/// For `#if`: 1.2.3 is 10203.
#define COMMUNICA_VERSION (COMMUNICA_VERSION_MAJOR * 10000 + COMMUNICA_VERSION_MINOR * 100 + COMMUNICA_VERSION_PATCH)

/// Requests, notifications and streams both ways between processes. What is in a namespace inside of this is for the library itself.
namespace communica {

/// The same as a text. Until 1.0 a minor version may change the interface, a patch may not.
inline constexpr std::string_view version = "0.1.0";

}  // namespace communica
