# communica::compiled: most of what is no template, compiled once. A program links it in the place of communica::communica.
#
# It is built by whoever includes this, with the flags that are set there: it has to be compiled as their program is.

file(CONFIGURE OUTPUT communica_compiled.cpp CONTENT "#include <communica/src.hpp>\n")
add_library(communica_compiled STATIC EXCLUDE_FROM_ALL "${CMAKE_CURRENT_BINARY_DIR}/communica_compiled.cpp")
add_library(communica::compiled ALIAS communica_compiled)
set_target_properties(communica_compiled PROPERTIES POSITION_INDEPENDENT_CODE ON)  # for shared libraries, too
target_compile_definitions(communica_compiled PUBLIC COMMUNICA_SEPARATE_COMPILATION)
target_link_libraries(communica_compiled PUBLIC communica::communica)
