#include "../with_rabbitmq/dialer.hpp"

#include "../with_openssl/context.hpp"

#include <communica/connectors/rabbitmq_tls.hpp>

#include <memory>

namespace tool {

std::shared_ptr<const communica::rabbitmq::Dialer> broker_dialer(const Access& access) {
    communica::TlsOptions options;
    options.verify_server = !access.insecure;
    options.server_name = access.server_name;
    return communica::rabbitmq::over_tls(std::make_shared<asio::ssl::context>(tls_context(access)), options);
}

}  // namespace tool
