// Selects the implementation of shared memory.
#pragma once

#if defined(__linux__)
#include "stream_linux.hpp"
#else
#error "communica/connectors/shared_memory.hpp needs Linux: it shares memory by memfd_create and file seals"
#endif
