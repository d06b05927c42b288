#include "support/rabbitmq_transport.hpp"
#include "support/system.hpp"

#include <communica/connectors/rabbitmq.hpp>

#include <cstdlib>

namespace test {

namespace {

/// Different each time, also from those of other processes.
std::string unique_name() {
    static int count = 0;
    return std::to_string(own_process_id()) + "-" + std::to_string(++count);
}

const char* broker() { return std::getenv("COMMUNICA_TEST_BROKER"); }

}  // namespace

bool RabbitmqTransport::exists() { return broker() != nullptr; }

RabbitmqTransport RabbitmqTransport::at_server() {
    const communica::RmqConnector connector(broker(), "tests-" + unique_name());
    return {communica::ErasedConnector(connector), connector.dump_state()};
}

RabbitmqTransport RabbitmqTransport::load_state(const std::string& state) {
    const auto connector = communica::RmqConnector::load_state(state, "client-" + unique_name());
    return {communica::ErasedConnector(connector), connector.dump_state()};
}

}  // namespace test
