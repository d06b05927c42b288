#include "../address.hpp"

#include <communica/connectors/rabbitmq.hpp>

namespace tool {

Address rabbitmq_address(const std::string& url, const std::string& address, const std::string& client_id) {
    return Address(communica::RmqConnector(url, address, client_id));
}

}  // namespace tool
