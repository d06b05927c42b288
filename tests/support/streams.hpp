// Streams that tests hold themselves, on this platform.
#pragma once

#if defined(_WIN32)
#include "platform/streams_windows.hpp"
#else
#include "platform/streams_unix.hpp"
#endif
