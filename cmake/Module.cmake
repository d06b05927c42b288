# communica::module, for `import communica;`. It is compiled by the project that adds this one, and is not installed.

if(CMAKE_VERSION VERSION_LESS 3.28)
  message(FATAL_ERROR "COMMUNICA_MODULE needs CMake 3.28, this is ${CMAKE_VERSION}.")
endif()
add_library(communica_module STATIC)
add_library(communica::module ALIAS communica_module)
target_sources(communica_module PUBLIC FILE_SET CXX_MODULES BASE_DIRS modules FILES modules/communica.cppm)
target_link_libraries(communica_module PUBLIC communica)
summarise("communica::module" "there" "compiled as ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} does modules")
