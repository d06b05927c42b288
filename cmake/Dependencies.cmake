# What is on the machine is used first; what is not is fetched at a pinned commit.

include(FetchContent)

find_package(Threads REQUIRED GLOBAL)

find_package(Asio 1.22.1 MODULE)
if(NOT Asio_FOUND)
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

# simdjson, for communica::fast_json alone.
set(COMMUNICA_FAST_JSON "AUTO" CACHE STRING "communica::fast_json: AUTO where simdjson is found, ON fetches it if not, OFF")
set_property(CACHE COMMUNICA_FAST_JSON PROPERTY STRINGS AUTO ON OFF)
if(COMMUNICA_FAST_JSON STREQUAL "AUTO")
  find_package(simdjson 3.0 QUIET GLOBAL)
elseif(COMMUNICA_FAST_JSON)
  set(SIMDJSON_DEVELOPER_MODE OFF CACHE INTERNAL "")
  FetchContent_Declare(simdjson
    GIT_REPOSITORY https://github.com/simdjson/simdjson.git
    GIT_TAG 7382dc2be88e53fbc35cb50369b831855656f0fd  # v3.12.3
    SYSTEM
    FIND_PACKAGE_ARGS 3.0 GLOBAL)
  FetchContent_MakeAvailable(simdjson)
endif()

# OpenSSL, for communica::tls and communica::auth alone. It is a part of the system, and never fetched.
set(COMMUNICA_OPENSSL "AUTO" CACHE STRING "communica::tls and communica::auth: AUTO where OpenSSL is found, ON requires it, OFF")
set_property(CACHE COMMUNICA_OPENSSL PROPERTY STRINGS AUTO ON OFF)
if(COMMUNICA_OPENSSL STREQUAL "AUTO")
  find_package(OpenSSL 1.1.1 QUIET GLOBAL)
elseif(COMMUNICA_OPENSSL)
  find_package(OpenSSL 1.1.1 REQUIRED GLOBAL)
endif()

# rabbitmq-c, for communica::rabbitmq alone. No version is asked for: what 0.11 tells CMake is that of its ABI.
set(COMMUNICA_RABBITMQ "AUTO" CACHE STRING "communica::rabbitmq: AUTO where rabbitmq-c is found, ON fetches it if not, OFF")
set_property(CACHE COMMUNICA_RABBITMQ PROPERTY STRINGS AUTO ON OFF)
if(COMMUNICA_RABBITMQ STREQUAL "AUTO")
  find_package(rabbitmq-c CONFIG QUIET GLOBAL)
elseif(COMMUNICA_RABBITMQ)
  FetchContent_Declare(rabbitmq-c
    GIT_REPOSITORY https://github.com/alanxz/rabbitmq-c.git
    GIT_TAG 8777a4b060edd59bfa1e449562c201f8d65d10f2  # v0.16.0 and what was mended in its codec since
    SYSTEM
    FIND_PACKAGE_ARGS CONFIG GLOBAL)
  block()  # what it is told is for it alone: its codec needs no OpenSSL, and it has the target only if it is shared
    set(BUILD_SHARED_LIBS ON)
    set(ENABLE_SSL_SUPPORT OFF)
    FetchContent_MakeAvailable(rabbitmq-c)
  endblock()
endif()
if(TARGET rabbitmq::rabbitmq-static AND NOT TARGET rabbitmq::rabbitmq)  # installed as a static library alone
  set_property(TARGET rabbitmq::rabbitmq-static APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS AMQP_STATIC)
  add_library(rabbitmq::rabbitmq ALIAS rabbitmq::rabbitmq-static)
endif()

if(COMMUNICA_BUILD_TESTS)
  FetchContent_Declare(Catch2
    GIT_REPOSITORY https://github.com/catchorg/Catch2.git
    GIT_TAG b5373dadca40b7edc8570cf9470b9b1cb1934d40  # v3.5.4
  SYSTEM
    FIND_PACKAGE_ARGS)  # any version: tests/support/catch.hpp knows both layouts
  FetchContent_MakeAvailable(Catch2)
endif()
