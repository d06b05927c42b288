// Shared memory as one of the transports, compiled once: in shared_memory_transport/with_linux.cpp, or elsewhere in the other.
#pragma once

#include "part_transport.hpp"

#include <string>

namespace test {

/// A `SharedMemoryConnector` with small rings. With `COMMUNICA_TEST_TRANSPORT=shared_memory` in the environment the tests over every transport
/// run over this one alone; without it, over the others.
class SharedMemoryTransport : public PartTransport {
 public:
    /// Does the environment ask for it, and is there such memory?
    static bool is_wanted();

    /// Servers and clients of one directory meet.
    static SharedMemoryTransport in(const std::string& directory);
    static SharedMemoryTransport load_state(const std::string& state);

 private:
    using PartTransport::PartTransport;
};

}  // namespace test
