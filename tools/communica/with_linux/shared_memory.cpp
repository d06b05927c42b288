#include "../address.hpp"

#include <communica/connectors/shared_memory.hpp>

namespace tool {

Address shared_memory_address(const std::string& name, const Access& access) {
    communica::SharedMemoryOptions options;
    options.local.directory = access.directory;
    return Address(communica::SharedMemoryConnector(name, options));
}

Address shared_memory_address_of_state(const std::string& state) {
    return Address(communica::SharedMemoryConnector::load_state(state));
}

}  // namespace tool
