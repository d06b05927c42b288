# The tests, examples and the tool are written for standalone Asio. Where the library is on Boost's, these headers of the same names
# bring that one.

set(asio_by_boost "${PROJECT_BINARY_DIR}/asio_by_boost")
file(GLOB_RECURSE sources CONFIGURE_DEPENDS
  benchmarks/*.[ch]pp examples/*.[ch]pp tests/*.[ch]pp tools/*.[ch]pp)
foreach(source IN LISTS sources)
  file(STRINGS "${source}" lines REGEX "^ *#include <asio[/.]")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE ".*<(.*)>.*" "\\1" header "${line}")
    list(APPEND included "${header}")
  endforeach()
endforeach()
list(REMOVE_DUPLICATES included)
foreach(header IN LISTS included)
  file(CONFIGURE OUTPUT "${asio_by_boost}/${header}" CONTENT
"#pragma once
#include <boost/${header}>
#include <communica/asio.hpp>
namespace asio = boost::asio;
#define ASIO_VERSION BOOST_ASIO_VERSION
")
endforeach()
