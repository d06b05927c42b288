# communica::own_flags: what this project's own programs are compiled with, and nobody else's.

set(CMAKE_CXX_EXTENSIONS OFF)
set(COMMUNICA_SANITIZE "" CACHE STRING "Sanitizers for the tests and examples, as in -fsanitize=...")

add_library(communica_own_flags INTERFACE)
add_library(communica::own_flags ALIAS communica_own_flags)

if(COMMUNICA_USE_BOOST_ASIO)
  include(AsioByBoost)
  target_include_directories(communica_own_flags BEFORE INTERFACE "${asio_by_boost}")
endif()

target_compile_definitions(communica_own_flags INTERFACE $<$<CONFIG:Debug>:COMMUNICA_CHECK_LOCK_ORDER>)

if(NOT MSVC)
  target_compile_options(communica_own_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  # Optimising, GCC 12 takes the value of an empty std::optional for one that is read.
  target_compile_options(communica_own_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  # Without these, ccache can not reuse what was compiled with a precompiled header.
  target_compile_options(communica_own_flags INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  # GCC collects its garbage less often: an eighth less time, for a fifth more memory.
  target_compile_options(communica_own_flags INTERFACE
    "$<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-expand=400;--param=ggc-min-heapsize=524288>")
endif()

# LLVM's linker needs a fifth of the time of GNU's.
find_program(COMMUNICA_LLD ld.lld)
mark_as_advanced(COMMUNICA_LLD)
if(COMMUNICA_LLD AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(communica_own_flags INTERFACE -fuse-ld=lld)
endif()

if(WIN32)
  target_compile_definitions(communica_own_flags INTERFACE _WIN32_WINNT=0x0A00)
endif()
if(MINGW)
  # Templates make more sections than an object file has by default, and Asio 1.22 frees with another operator than it
  # allocates with.
  target_compile_options(communica_own_flags INTERFACE -Wa,-mbig-obj -Wno-mismatched-new-delete)
endif()

if(COMMUNICA_SANITIZE)
  set(sanitize -fsanitize=${COMMUNICA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(communica_own_flags INTERFACE ${sanitize})
  target_link_options(communica_own_flags INTERFACE ${sanitize})
endif()
