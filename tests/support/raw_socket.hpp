// One end of a stream without the library and without coroutines, on this platform.
#pragma once

#if defined(_WIN32)
#include "platform/raw_socket_windows.hpp"
#else
#include "platform/raw_socket_unix.hpp"
#endif
