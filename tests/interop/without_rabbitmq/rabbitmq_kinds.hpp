// RabbitMQ for the interop peer where rabbitmq-c is not found: its states are refused.
#pragma once

#include <string>
#include <tuple>

namespace interop {

using RabbitKinds = std::tuple<>;

template <class Any>
Any load_rabbitmq(const std::string& state, const std::string&) {
    return Any::load_state(state);
}

}  // namespace interop
