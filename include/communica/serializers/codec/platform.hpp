// Types that only some platforms have.
#pragma once

#if !defined(_WIN32)
#include "descriptor_unix.hpp"
#endif
