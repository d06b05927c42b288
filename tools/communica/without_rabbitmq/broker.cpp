#include "../address.hpp"

namespace tool {

Address rabbitmq_address(const std::string&, const std::string&, const std::string&, const Access&) {
    throw std::system_error(communica::errc::not_supported, "this program was built without rabbitmq-c: no RabbitMQ");
}

}  // namespace tool
