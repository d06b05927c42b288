// Types that only some platforms have: Windows has no descriptors.
#pragma once

#if defined(_WIN32)
#else
#include "descriptor_unix.hpp"
#endif
