// Where there are service managers that hand over sockets.
#pragma once

#if defined(_WIN32)
#error "communica/connectors/activation.hpp needs a POSIX system"
#else
#include "activation_unix.hpp"
#endif
