// A file descriptor that closes itself.
#pragma once

#include "../../descriptor_unix.hpp"

namespace communica::detail {

using OwnedDescriptor = Descriptor;

}  // namespace communica::detail
