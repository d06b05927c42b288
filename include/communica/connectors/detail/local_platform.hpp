// Which platform's local sockets are used.
#pragma once

#if defined(_WIN32)
#include "local_windows.hpp"
#else
#include "local_unix.hpp"
#endif
