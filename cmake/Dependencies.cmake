# What is on the machine is used first; what is not is fetched at a pinned commit.

include(FetchContent)

find_package(Threads REQUIRED GLOBAL)

option(COMMUNICA_USE_BOOST_ASIO "Use Boost's Asio in the place of the standalone one" OFF)
if(COMMUNICA_USE_BOOST_ASIO)
  set(asio_package BoostAsio)
  set(asio_least 1.81)
  find_package(BoostAsio ${asio_least} MODULE REQUIRED)
else()
  set(asio_package Asio)
  set(asio_least 1.22.1)
  find_package(Asio ${asio_least} MODULE)
endif()
if(NOT COMMUNICA_USE_BOOST_ASIO AND NOT Asio_FOUND)
  # A name of its own: find_package(Asio) would be redirected to the fetched tree, which has no targets.
  FetchContent_Declare(asio_tree
    GIT_REPOSITORY https://github.com/chriskohlhoff/asio.git
    GIT_TAG 12e0ce9e0500bf0f247dbd1ae894272656456079)  # asio-1-30-2
  FetchContent_MakeAvailable(asio_tree)
  set(Asio_INCLUDE_DIR "${asio_tree_SOURCE_DIR}/asio/include")
  include(FindAsio)
endif()

# A fetched copy is installed beside communica, whose exported target names it.
set(JSON_Install ${COMMUNICA_INSTALL} CACHE INTERNAL "")
FetchContent_Declare(nlohmann_json
  GIT_REPOSITORY https://github.com/nlohmann/json.git
  GIT_TAG 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03  # v3.11.3
  SYSTEM
  FIND_PACKAGE_ARGS 3.11 GLOBAL)
FetchContent_MakeAvailable(nlohmann_json)

# The parts' libraries. AUTO takes what is on the machine, ON requires it or fetches it. Whatever is left out, the summary says so.
include(PartLibraries)

# take_library(NAME VALUE): for an option's value, finds the library, or says why not in communica_NAME_MISSING. What ON finds
# too old is not fetched beside it: both have the same targets.
macro(take_library name value)
  if("${value}" STREQUAL "AUTO" OR "${value}")
    communica_find_library(${name} GLOBAL)
    if(${name}_FOUND AND communica_${name}_MISSING AND NOT "${value}" STREQUAL "AUTO")
      message(FATAL_ERROR "${communica_${name}_MISSING}. -DCMAKE_DISABLE_FIND_PACKAGE_${name}=ON looks past it.")
    endif()
  else()
    set(communica_${name}_MISSING "turned off")
  endif()
endmacro()

# simdjson, for communica::fast_json alone.
set(COMMUNICA_FAST_JSON "AUTO" CACHE STRING "communica::fast_json: AUTO where simdjson is found, ON fetches it if not, OFF")
set_property(CACHE COMMUNICA_FAST_JSON PROPERTY STRINGS AUTO ON OFF)
take_library(simdjson "${COMMUNICA_FAST_JSON}")
if(COMMUNICA_FAST_JSON AND NOT COMMUNICA_FAST_JSON STREQUAL "AUTO" AND communica_simdjson_MISSING)
  set(SIMDJSON_DEVELOPER_MODE OFF CACHE INTERNAL "")
  FetchContent_Declare(simdjson
    GIT_REPOSITORY https://github.com/simdjson/simdjson.git
    GIT_TAG 7382dc2be88e53fbc35cb50369b831855656f0fd  # v3.12.3
    SYSTEM)
  FetchContent_MakeAvailable(simdjson)
  set(communica_simdjson_MISSING "")
  set(communica_simdjson_VERSION "fetched")
endif()

# OpenSSL, for communica::tls and communica::auth alone. It is a part of the system, and never fetched.
set(COMMUNICA_OPENSSL "AUTO" CACHE STRING "communica::tls and communica::auth: AUTO where OpenSSL is found, ON requires it, OFF")
set_property(CACHE COMMUNICA_OPENSSL PROPERTY STRINGS AUTO ON OFF)
take_library(OpenSSL "${COMMUNICA_OPENSSL}")
if(COMMUNICA_OPENSSL AND NOT COMMUNICA_OPENSSL STREQUAL "AUTO" AND communica_OpenSSL_MISSING)
  message(FATAL_ERROR "COMMUNICA_OPENSSL is ON, but ${communica_OpenSSL_MISSING}.")
endif()

# rabbitmq-c, for communica::rabbitmq alone.
set(COMMUNICA_RABBITMQ "AUTO" CACHE STRING "communica::rabbitmq: AUTO where rabbitmq-c is found, ON fetches it if not, OFF")
set_property(CACHE COMMUNICA_RABBITMQ PROPERTY STRINGS AUTO ON OFF)
take_library(rabbitmq-c "${COMMUNICA_RABBITMQ}")
if(COMMUNICA_RABBITMQ AND NOT COMMUNICA_RABBITMQ STREQUAL "AUTO" AND communica_rabbitmq-c_MISSING)
  FetchContent_Declare(rabbitmq-c
    GIT_REPOSITORY https://github.com/alanxz/rabbitmq-c.git
    GIT_TAG 8777a4b060edd59bfa1e449562c201f8d65d10f2  # v0.16.0 and what was mended in its codec since
    SYSTEM)
  block()  # what it is told is for it alone: its codec needs no OpenSSL, and it has the target only if it is shared
    set(BUILD_SHARED_LIBS ON)
    set(ENABLE_SSL_SUPPORT OFF)
    FetchContent_MakeAvailable(rabbitmq-c)
  endblock()
  set(communica_rabbitmq-c_MISSING "")
  set(communica_rabbitmq-c_VERSION "fetched")
endif()

if(COMMUNICA_BUILD_TESTS)
  FetchContent_Declare(Catch2
    GIT_REPOSITORY https://github.com/catchorg/Catch2.git
    GIT_TAG b5373dadca40b7edc8570cf9470b9b1cb1934d40  # v3.5.4
  SYSTEM
    FIND_PACKAGE_ARGS)  # any version: tests/support/catch.hpp knows both layouts
  FetchContent_MakeAvailable(Catch2)
endif()
