// Selects the implementation of socket activation.
#pragma once

#if defined(_WIN32)
#error "communica/connectors/activation.hpp needs a POSIX system"
#else
#include "activation_unix.hpp"
#endif
