// RabbitMQ for the interop peer where rabbitmq-c is found.
#pragma once

#include <communica/connectors/rabbitmq.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <tuple>

namespace interop {

using RabbitKinds = std::tuple<communica::RmqConnector>;

/// COMMUNICA_RMQ_CHECK_PERIOD is its keep-alive in seconds.
template <class Any>
Any load_rabbitmq(const std::string& state, const std::string& client_id) {
    communica::RmqOptions options;
    if (const char* period = std::getenv("COMMUNICA_RMQ_CHECK_PERIOD")) {
        const std::chrono::duration<double> seconds(std::stod(period));
        options.keep_alive = std::chrono::duration_cast<std::chrono::steady_clock::duration>(seconds);
    }
    return communica::RmqConnector::load_state(state, client_id, options);
}

}  // namespace interop
