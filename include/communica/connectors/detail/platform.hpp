// Selects the platform's implementation of sockets.
#pragma once

#if defined(_WIN32)
#include "sockets_windows.hpp"
#else
#include "sockets_unix.hpp"
#endif
