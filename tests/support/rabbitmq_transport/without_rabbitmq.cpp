#include "support/rabbitmq_transport.hpp"

namespace test {

bool RabbitmqTransport::exists() { return false; }

RabbitmqTransport RabbitmqTransport::at_server() { return load_state({}); }

RabbitmqTransport RabbitmqTransport::load_state(const std::string&) {
    throw std::system_error(communica::errc::invalid_state, "these tests were built without rabbitmq-c");
}

}  // namespace test
