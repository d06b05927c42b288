// The version of the library, by semantic versioning. CMake and pkg-config read it from here.
#pragma once

#include <string_view>

/// Incremented by a change to the interface, from 1.0 on.
#define COMMUNICA_VERSION_MAJOR 0
/// Incremented by an addition; before 1.0 also by a change to the interface.
#define COMMUNICA_VERSION_MINOR 1
/// Incremented by a fix.
#define COMMUNICA_VERSION_PATCH 0

/// For `#if`: 1.2.3 is 10203.
#define COMMUNICA_VERSION (COMMUNICA_VERSION_MAJOR * 10000 + COMMUNICA_VERSION_MINOR * 100 + COMMUNICA_VERSION_PATCH)

/// Requests, notifications and streams in both directions between processes. Nested namespaces are internal.
namespace communica {

/// The version as text. Before 1.0 a minor version may change the interface; a patch may not.
inline constexpr std::string_view version = "0.1.0";

}  // namespace communica
