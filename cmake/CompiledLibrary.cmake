# communica::compiled: most of what is no template, compiled once. A program links it in the place of communica::communica, and
# communica::tls_compiled and communica::rabbitmq_compiled in the place of those parts.
#
# They are built by whoever includes this, with the flags that are set there: they have to be compiled as their program is.

# communica_compile(NAME HEADERS LIBRARY...)
function(communica_compile name headers)
  if(TARGET communica::${name})
    return()
  endif()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/communica_${name}.cpp")
  list(TRANSFORM headers REPLACE "(.+)" "#include <communica/\\1>\n" OUTPUT_VARIABLE includes)
  list(JOIN includes "" includes)
  file(CONFIGURE OUTPUT "${source}" CONTENT "${includes}")
  add_library(communica_${name} STATIC EXCLUDE_FROM_ALL "${source}")
  add_library(communica::${name} ALIAS communica_${name})
  set_target_properties(communica_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)  # for shared libraries, too
  target_link_libraries(communica_${name} PUBLIC ${ARGN})
endfunction()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(shared_memory connectors/shared_memory.ipp)
endif()
communica_compile(compiled "src.hpp;${shared_memory}" communica::communica)
unset(shared_memory)
target_compile_definitions(communica_compiled PUBLIC COMMUNICA_SEPARATE_COMPILATION)
if(TARGET communica::tls)
  communica_compile(tls_compiled connectors/tls.ipp communica::tls communica::compiled)
endif()
if(TARGET communica::rabbitmq)
  communica_compile(rabbitmq_compiled connectors/rabbitmq.ipp communica::rabbitmq communica::compiled)
endif()
