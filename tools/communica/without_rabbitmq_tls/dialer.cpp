#include "../with_rabbitmq/dialer.hpp"

#include <system_error>

namespace tool {

std::shared_ptr<const communica::rabbitmq::Dialer> broker_dialer(const Access&) {
    throw std::system_error(communica::errc::not_supported, "this program was built without OpenSSL: no amqps://");
}

}  // namespace tool
