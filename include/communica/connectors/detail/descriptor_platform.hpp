// Selects the platform's implementation of descriptors.
#pragma once

#if defined(_WIN32)
#include "descriptor_windows.hpp"
#else
#include "descriptor_unix.hpp"
#endif
