// RabbitMQ as one of the transports, compiled once: in rabbitmq_transport/with_rabbitmq.cpp, or where there is no rabbitmq-c in
// the other.
#pragma once

#include "part_transport.hpp"

#include <string>

namespace test {

/// An `RmqConnector` through the broker that the environment's `COMMUNICA_TEST_BROKER` names. Where it names one, the tests over
/// every transport run over this one alone: over the others they have run without it.
class RabbitmqTransport : public PartTransport {
 public:
    /// Is there a broker, and was rabbitmq-c found?
    static bool exists();

    /// At an address of its own.
    static RabbitmqTransport at_server();
    /// For clients, each with queues of its own.
    static RabbitmqTransport load_state(const std::string& state);

 private:
    using PartTransport::PartTransport;
};

}  // namespace test
