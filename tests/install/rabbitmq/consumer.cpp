#include <communica/connectors/rabbitmq/frames.hpp>
#include <communica/connectors/rabbitmq/url.hpp>

#include <iostream>
#include <string>

int main() {
    std::string frame;
    communica::rabbitmq::append_heartbeat(frame);
    std::cout << communica::rabbitmq::Url::parse("amqp://localhost").text() << ' ' << frame.size() << '\n';
}
