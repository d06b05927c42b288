// The connections to a broker over TLS.
#pragma once

#include "../address.hpp"

#include <communica/connectors/rabbitmq.hpp>

#include <memory>

namespace tool {

/// Throws `errc::not_supported` in a build without OpenSSL.
std::shared_ptr<const communica::rabbitmq::Dialer> broker_dialer(const Access& access);

}  // namespace tool
