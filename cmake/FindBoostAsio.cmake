# Finds Boost.Asio, a part of Boost that is headers alone, and defines BoostAsio::BoostAsio.
# Also installed with communica, whose package configuration needs it if it was installed with COMMUNICA_USE_BOOST_ASIO.
#
# BoostAsio_INCLUDE_DIR  the directory of boost/asio.hpp; set it to choose one
# BoostAsio_VERSION      Boost's version

include(FindPackageHandleStandardArgs)
include("${CMAKE_CURRENT_LIST_DIR}/HeaderVersion.cmake")

find_path(BoostAsio_INCLUDE_DIR boost/asio.hpp HINTS "${Boost_INCLUDE_DIR}" "${BOOST_ROOT}/include" "${BOOST_ROOT}")
mark_as_advanced(BoostAsio_INCLUDE_DIR)

if(BoostAsio_INCLUDE_DIR)
  communica_header_version(BoostAsio "${BoostAsio_INCLUDE_DIR}/boost/version.hpp" BOOST_VERSION)
endif()

find_package_handle_standard_args(BoostAsio REQUIRED_VARS BoostAsio_INCLUDE_DIR VERSION_VAR BoostAsio_VERSION
  REASON_FAILURE_MESSAGE "Boost 1.81 is the first whose Asio has what communica needs (Debian 12: libboost1.81-dev)")

if(BoostAsio_FOUND AND NOT TARGET BoostAsio::BoostAsio)
  add_library(BoostAsio::BoostAsio INTERFACE IMPORTED GLOBAL)
  target_include_directories(BoostAsio::BoostAsio INTERFACE "${BoostAsio_INCLUDE_DIR}")
endif()
