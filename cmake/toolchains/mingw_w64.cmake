# Windows programs, made by MinGW-w64's GCC (Debian: g++-mingw-w64-x86-64-posix) and run by Wine where it is there.
#
# COMMUNICA_WINDOWS_PACKAGES   where the libraries lie, as tools/windows_packages puts them

set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES COMMUNICA_WINDOWS_PACKAGES)
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32 ${COMMUNICA_WINDOWS_PACKAGES})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(CMAKE_EXE_LINKER_FLAGS_INIT -static)  # Wine does not know where MinGW's libraries are

find_program(COMMUNICA_WINE NAMES wine wine64)
mark_as_advanced(COMMUNICA_WINE)
if(COMMUNICA_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${COMMUNICA_WINE}")
endif()
