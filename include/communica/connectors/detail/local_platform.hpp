// Selects the platform's implementation of local sockets.
#pragma once

#if defined(_WIN32)
#include "local_windows.hpp"
#else
#include "local_unix.hpp"
#endif
