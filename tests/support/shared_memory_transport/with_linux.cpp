#include "support/shared_memory_transport.hpp"

#include <communica/connectors/shared_memory.hpp>

#include <cstdlib>

namespace test {

bool SharedMemoryTransport::is_wanted() {
    const char* const wanted = std::getenv("COMMUNICA_TEST_TRANSPORT");
    return wanted != nullptr && std::string(wanted) == "shared_memory";
}

SharedMemoryTransport SharedMemoryTransport::in(const std::string& directory) {
    communica::SharedMemoryOptions options;
    options.local.directory = directory;
    options.ring_size = 64 * 1024;
    return load_state(communica::SharedMemoryConnector("meeting", options).dump_state());
}

SharedMemoryTransport SharedMemoryTransport::load_state(const std::string& state) {
    const auto connector = communica::SharedMemoryConnector::load_state(state);
    return {communica::ConnectionFactory(connector), communica::ListenerFactory(connector), connector.dump_state()};
}

}  // namespace test
