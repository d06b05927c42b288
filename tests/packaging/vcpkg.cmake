# Runs the port as vcpkg does, with stand-ins for the functions that vcpkg defines: with no feature, and with all of vcpkg.json.
#
#     cmake -DPORT_DIR=... -DWORK_DIR=... -DSETTINGS=... -DWITH_FEATURES=ON -P vcpkg.cmake
cmake_minimum_required(VERSION 3.25)

function(expect)
  if(NOT (${ARGN}))
    message(SEND_ERROR "features \"${FEATURES}\": this does not hold: ${ARGN}")
  endif()
endfunction()

# ---- what vcpkg defines ---------------------------------------------------------------------------------------------

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_FEATURE_OPTIONS" "FEATURES;INVERTED_FEATURES")
  set(options "")
  foreach(kind IN ITEMS FEATURES INVERTED_FEATURES)
    while(arg_${kind})
      list(POP_FRONT arg_${kind} feature variable)
      set_property(GLOBAL APPEND PROPERTY features_of_port ${feature})
      set(value OFF)
      if((kind STREQUAL "FEATURES" AND feature IN_LIST FEATURES)
          OR (kind STREQUAL "INVERTED_FEATURES" AND NOT feature IN_LIST FEATURES))
        set(value ON)
      endif()
      list(APPEND options -D${variable}=${value})
    endwhile()
  endforeach()
  set(${arg_OUT_FEATURE_OPTIONS} "${options}" PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${build}" ${SETTINGS} ${arg_OPTIONS}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${build}" --prefix "${CURRENT_PACKAGES_DIR}"
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}/debug")
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  expect(IS_DIRECTORY "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}")
  file(COPY "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
  file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}")
endfunction()

function(vcpkg_fixup_pkgconfig)
  expect(EXISTS "${CURRENT_PACKAGES_DIR}/share/pkgconfig/communica.pc")
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(COPY_FILE ${arg_FILE_LIST} "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright")
endfunction()

# ---- the port, with no feature and with all -----------------------------------------------------------------------------

set(PORT communica)
file(READ "${PORT_DIR}/vcpkg.json" manifest)
string(JSON count LENGTH "${manifest}" features)
math(EXPR last "${count} - 1")
foreach(index RANGE ${last})
  string(JSON feature MEMBER "${manifest}" features ${index})
  list(APPEND all_features ${feature})
endforeach()

foreach(name IN ITEMS ${all_features} ${PORT})  # what vcpkg accepts as a name
  expect(name MATCHES "^[a-z0-9]+(-[a-z0-9]+)*$")
endforeach()
string(JSON name GET "${manifest}" name)
string(JSON version GET "${manifest}" version-semver)
expect(name STREQUAL PORT AND version MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+$")

set(build "${WORK_DIR}/build")
set(CURRENT_PACKAGES_DIR "${WORK_DIR}/packages")
set(choices "")
if(WITH_FEATURES)
  set(choices "${all_features}")
endif()
foreach(FEATURES IN ITEMS "" "${choices}")  # twice none, where a library is missing
  file(REMOVE_RECURSE "${WORK_DIR}")
  file(MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}")
  set(CMAKE_CURRENT_LIST_DIR "${PORT_DIR}")
  include("${PORT_DIR}/portfile.cmake")
  foreach(file IN ITEMS include/communica/communica.hpp share/communica/communicaConfig.cmake share/communica/usage share/communica/copyright)
    expect(EXISTS "${CURRENT_PACKAGES_DIR}/${file}")
  endforeach()
  foreach(directory IN ITEMS bin debug)  # which vcpkg refuses in a port of headers alone
    expect(NOT EXISTS "${CURRENT_PACKAGES_DIR}/${directory}")
  endforeach()
  file(GLOB of_parts "${CURRENT_PACKAGES_DIR}/share/communica/communica_*Targets.cmake")
  list(LENGTH of_parts count)
  if(FEATURES STREQUAL "")
    expect(count EQUAL 0)
  else()
    expect(count EQUAL 5)  # tls and auth are one feature; rabbitmq_tls is there with both of its own
  endif()
endforeach()

get_property(of_port GLOBAL PROPERTY features_of_port)
list(SORT of_port)
list(REMOVE_DUPLICATES of_port)
list(SORT all_features)
expect(of_port STREQUAL all_features)
