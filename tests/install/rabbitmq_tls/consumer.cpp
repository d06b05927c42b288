#include <communica/connectors/rabbitmq_tls.hpp>

#include <iostream>
#include <memory>

int main() {
    communica::RmqOptions options;
    options.dialer =
        communica::rabbitmq::over_tls(std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client));
    const communica::RmqConnector connector("amqps://localhost", "calculator", "one", "communica", options);
    std::cout << connector.address() << '\n';
}
