# The libraries that parts of communica need. Also installed with communica, whose package configuration looks for them, too.
#
# find_package is asked for no version: the version file of simdjson refuses every other minor version, and that of
# rabbitmq-c 0.11 tells the version of its ABI. What is found is compared here.

# communica_find_library(NAME [GLOBAL]): looks for simdjson, OpenSSL or rabbitmq-c. communica_NAME_MISSING says what is wrong and
# what to install; it is empty if nothing is. A macro, as find_package is to set its variables for whoever asks.
macro(communica_find_library name)
  if("${name}" STREQUAL "OpenSSL")
    find_package(OpenSSL QUIET ${ARGN})
  else()
    find_package(${name} CONFIG QUIET ${ARGN})
  endif()
  if(TARGET rabbitmq::rabbitmq-static AND NOT TARGET rabbitmq::rabbitmq)  # installed as a static library alone
    set_property(TARGET rabbitmq::rabbitmq-static APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS AMQP_STATIC)
    add_library(rabbitmq::rabbitmq ALIAS rabbitmq::rabbitmq-static)
  endif()
  communica_compare_version("${name}")
endmacro()

function(communica_compare_version name)
  if(name STREQUAL "simdjson")
    set(version "${simdjson_VERSION}")
    set(least 3.0)
    set(package libsimdjson-dev)
  elseif(name STREQUAL "OpenSSL")
    set(version "${OPENSSL_VERSION}")  # CMake's module
    if(NOT version)
      set(version "${OpenSSL_VERSION}")  # OpenSSL's own package
    endif()
    set(least 1.1.1)
    set(package libssl-dev)
  else()
    communica_rabbitmq_version(version)
    set(least 0.11)
    set(package librabbitmq-dev)
  endif()
  set(missing "")
  if(NOT ${name}_FOUND)
    set(missing "${name} is not found (Debian: ${package})")
  elseif(version AND version VERSION_LESS least)
    set(missing "${name} ${version} is found, ${least} or newer is needed (Debian: ${package})")
  endif()
  set(communica_${name}_MISSING "${missing}" PARENT_SCOPE)
  set(communica_${name}_VERSION "${version}" PARENT_SCOPE)
endfunction()

# "#define AMQP_VERSION_MINOR 11", in amqp.h, which from 0.12 on only includes another
function(communica_rabbitmq_version result)
  find_path(communica_amqp_DIR amqp.h)  # for a target that names no directory, as it is the compiler's own
  mark_as_advanced(communica_amqp_DIR)
  set(directories "")
  foreach(target IN ITEMS rabbitmq::rabbitmq rabbitmq::rabbitmq-static)
    if(TARGET ${target})
      get_target_property(of_target ${target} INTERFACE_INCLUDE_DIRECTORIES)
      list(APPEND directories ${of_target})
    endif()
  endforeach()
  list(APPEND directories "${communica_amqp_DIR}")
  set(version "")
  foreach(directory IN LISTS directories)
    foreach(header IN ITEMS rabbitmq-c/amqp.h amqp.h)
      if(version STREQUAL "" AND EXISTS "${directory}/${header}")
        file(STRINGS "${directory}/${header}" lines REGEX "^#define AMQP_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
        string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
        list(JOIN numbers "." version)
      endif()
    endforeach()
  endforeach()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()
