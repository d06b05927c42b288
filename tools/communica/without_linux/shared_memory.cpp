#include "../address.hpp"

#include <system_error>

namespace tool {

Address shared_memory_address(const std::string&, const Access&) {
    throw std::system_error(communica::errc::not_supported, "shared memory needs Linux");
}

Address shared_memory_address_of_state(const std::string&) { return shared_memory_address({}, {}); }

}  // namespace tool
