#include "../address.hpp"

#include "dialer.hpp"

#include <communica/connectors/rabbitmq.hpp>

namespace tool {

Address rabbitmq_address(const std::string& url, const std::string& address, const std::string& client_id,
                         const Access& access) {
    communica::RmqOptions options;
    if (url.starts_with("amqps:")) {
        options.dialer = broker_dialer(access);
    }
    return Address(
        communica::RmqConnector(url, address, client_id, std::string(communica::rabbitmq::default_exchange), options));
}

}  // namespace tool
