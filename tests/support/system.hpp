// What tests ask of the operating system, on this platform.
#pragma once

#if defined(_WIN32)
#include "platform/system_windows.hpp"
#else
#include "platform/system_unix.hpp"
#endif
