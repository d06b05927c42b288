// Which platform's files are used.
#pragma once

#if defined(_WIN32)
#error "Windows is not supported yet"
#else
#include "local_unix.hpp"
#include "sockets_unix.hpp"
#endif
