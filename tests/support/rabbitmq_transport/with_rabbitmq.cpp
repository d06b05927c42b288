#include "support/broker.hpp"
#include "support/rabbitmq_transport.hpp"
#include "support/system.hpp"

#include <communica/connectors/rabbitmq.hpp>

#include <cstdlib>
#include <string>

namespace test {

namespace {

/// Different each time, also from those of other processes.
std::string unique_name() {
    static int count = 0;
    return std::to_string(own_process_id()) + "-" + std::to_string(++count);
}

/// The tests over every transport are not about what a broker takes.
communica::RmqOptions options() {
    communica::RmqOptions options;
    options.max_message = 128 * 1024 * 1024;
    return options;
}

Broker& broker() {
    static Broker broker({.settings = {"max_message_size = 134217728"}});
    return broker;
}

}  // namespace

bool RabbitmqTransport::is_wanted() {
    const char* const wanted = std::getenv("COMMUNICA_TEST_TRANSPORT");
    return wanted != nullptr && std::string(wanted) == "rabbitmq";
}

RabbitmqTransport RabbitmqTransport::at_server() {
    const communica::RmqConnector connector(broker().url(), "tests-" + unique_name(), {}, "communica", options());
    return {communica::ConnectionFactory(connector), communica::ListenerFactory(connector), connector.dump_state()};
}

RabbitmqTransport RabbitmqTransport::load_state(const std::string& state) {
    const auto connector = communica::RmqConnector::load_state(state, "client-" + unique_name(), options());
    return {communica::ConnectionFactory(connector), communica::ListenerFactory(connector), connector.dump_state()};
}

}  // namespace test
