# Finds standalone Asio, which brings no CMake package of its own, and defines Asio::Asio.
# Also installed with communica, whose package configuration needs it.
#
# Asio_INCLUDE_DIR  the directory of asio.hpp; set it to choose one

include(FindPackageHandleStandardArgs)
include("${CMAKE_CURRENT_LIST_DIR}/HeaderVersion.cmake")

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_Asio QUIET asio)
endif()
find_path(Asio_INCLUDE_DIR asio.hpp HINTS ${PC_Asio_INCLUDE_DIRS})
mark_as_advanced(Asio_INCLUDE_DIR)

if(Asio_INCLUDE_DIR)
  communica_header_version(Asio "${Asio_INCLUDE_DIR}/asio/version.hpp" ASIO_VERSION)
endif()

find_package_handle_standard_args(Asio REQUIRED_VARS Asio_INCLUDE_DIR VERSION_VAR Asio_VERSION NAME_MISMATCHED)

if(Asio_FOUND AND NOT TARGET Asio::Asio)
  add_library(Asio::Asio INTERFACE IMPORTED GLOBAL)
  target_include_directories(Asio::Asio INTERFACE "${Asio_INCLUDE_DIR}")
  if(Asio_VERSION VERSION_LESS 1.26)
    # Until then Asio asks Clang for the coroutines of the technical specification, which it no longer has.
    target_compile_definitions(Asio::Asio INTERFACE $<$<CXX_COMPILER_ID:Clang,AppleClang>:ASIO_HAS_CO_AWAIT=1>)
  endif()
endif()
