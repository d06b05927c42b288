#!/usr/bin/env bash
# find_package(simdjson 3.0) refuses simdjson 3.12.
#
# Versions: simdjson 3.12.3 (Debian 13), 4.6.11 (sid), 3.0.1 (Debian 12).
#
# Its CMake version file uses SameMinorVersion, so 3.0 means 3.0.x. A newer minor version of the same major version is "not
# compatible", and CMake does not find the installed package.
#
# What to do: find_package(simdjson) without a version, then compare simdjson_VERSION.
#
# Seen:
#   3.0 of 3.0.1: compatible
#   3.0 of 3.12.3: not compatible
#   3.12 of 3.12.3: compatible
#   4.0 of 4.6.11: not compatible
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cmake

debian_package bookworm "$work/bookworm" libsimdjson-dev=3.0.1-1
debian_package trixie "$work/trixie" libsimdjson-dev=3.12.3-1
debian_package sid "$work/sid" libsimdjson-dev=4.6.11-1

# asked SUITE VERSION: what the version file answers to find_package
asked() {
  local file
  file=$(find "$work/$1" -name 'simdjson-config-version.cmake' -o -name 'simdjsonConfigVersion.cmake')
  cat >"$work/ask.cmake" <<END
set(PACKAGE_FIND_VERSION $2)
string(REPLACE "." ";" parts $2)
list(GET parts 0 PACKAGE_FIND_VERSION_MAJOR)
list(GET parts 1 PACKAGE_FIND_VERSION_MINOR)
set(CMAKE_SIZEOF_VOID_P 8)
include($file)
if(PACKAGE_VERSION_COMPATIBLE)
  message("compatible")
else()
  message("not compatible")
endif()
END
  cmake -P "$work/ask.cmake" 2>&1
}
expect "3.0 of 3.0.1" "compatible" "$(asked bookworm 3.0)"
expect "3.0 of 3.12.3" "not compatible" "$(asked trixie 3.0)"
expect "3.12 of 3.12.3" "compatible" "$(asked trixie 3.12)"
expect "4.0 of 4.6.11" "not compatible" "$(asked sid 4.0)"
