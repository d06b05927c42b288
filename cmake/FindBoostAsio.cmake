# Finds Boost.Asio, a part of Boost that is headers alone, and defines BoostAsio::BoostAsio.
# Also installed with communica, whose package configuration needs it if it was installed with COMMUNICA_USE_BOOST_ASIO.
#
# BoostAsio_INCLUDE_DIR  the directory of boost/asio.hpp; set it to choose one
# BoostAsio_VERSION      Boost's version

find_path(BoostAsio_INCLUDE_DIR boost/asio.hpp HINTS "${Boost_INCLUDE_DIR}" "${BOOST_ROOT}/include" "${BOOST_ROOT}")
mark_as_advanced(BoostAsio_INCLUDE_DIR)

if(BoostAsio_INCLUDE_DIR)
  # "#define BOOST_VERSION 108100"
  file(STRINGS "${BoostAsio_INCLUDE_DIR}/boost/version.hpp" BoostAsio_VERSION REGEX "#define BOOST_VERSION [0-9]+")
  string(REGEX REPLACE ".*BOOST_VERSION ([0-9]+).*" "\\1" BoostAsio_VERSION "${BoostAsio_VERSION}")
  math(EXPR BoostAsio_VERSION_MAJOR "${BoostAsio_VERSION} / 100000")
  math(EXPR BoostAsio_VERSION_MINOR "${BoostAsio_VERSION} / 100 % 1000")
  math(EXPR BoostAsio_VERSION_PATCH "${BoostAsio_VERSION} % 100")
  set(BoostAsio_VERSION ${BoostAsio_VERSION_MAJOR}.${BoostAsio_VERSION_MINOR}.${BoostAsio_VERSION_PATCH})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BoostAsio REQUIRED_VARS BoostAsio_INCLUDE_DIR VERSION_VAR BoostAsio_VERSION
  REASON_FAILURE_MESSAGE "Boost 1.81 is the first whose Asio has what communica needs (Debian 12: libboost1.81-dev)")

if(BoostAsio_FOUND AND NOT TARGET BoostAsio::BoostAsio)
  add_library(BoostAsio::BoostAsio INTERFACE IMPORTED GLOBAL)
  target_include_directories(BoostAsio::BoostAsio INTERFACE "${BoostAsio_INCLUDE_DIR}")
endif()
