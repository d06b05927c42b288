// RabbitMQ as one of the transports, compiled once: in rabbitmq_transport/with_rabbitmq.cpp, or where there is no rabbitmq-c in
// the other.
#pragma once

#include "part_transport.hpp"

#include <string>

namespace test {

/// An `RmqConnector` through a broker of its own. With `COMMUNICA_TEST_TRANSPORT=rabbitmq` in the environment the tests over every
/// transport run over this one alone; without it, over the others.
class RabbitmqTransport : public PartTransport {
 public:
    /// Does the environment ask for it, and was rabbitmq-c found?
    static bool is_wanted();

    /// At an address of its own.
    static RabbitmqTransport at_server();
    /// For clients, each with queues of its own.
    static RabbitmqTransport load_state(const std::string& state);

 private:
    using PartTransport::PartTransport;
};

}  // namespace test
