// The connectors that the interop peer knows: those that need no further library, and of the others what the build has found.
#pragma once

#include <communica/connectors/any.hpp>

#include <rabbitmq_kinds.hpp>  // of with_rabbitmq or without_rabbitmq, as the build says
#include <tls_kinds.hpp>       // of with_tls or without_tls

#include <nlohmann/json.hpp>

#include <string>
#include <tuple>
#include <utility>

namespace interop {

using PlainKinds = std::tuple<communica::TcpConnector, communica::LocalConnector, communica::DescriptorConnector>;
using Kinds =
    decltype(std::tuple_cat(std::declval<PlainKinds>(), std::declval<TlsKinds>(), std::declval<RabbitKinds>()));

template <class Tuple>
struct AnyOf;
template <class... Cs>
struct AnyOf<std::tuple<Cs...>> {
    using type = communica::AnyConnectorOf<Cs...>;
};
using Connector = AnyOf<Kinds>::type;

/// Over RabbitMQ a client takes its id where the state has none.
inline Connector load_connector(const std::string& state, const std::string& client_id) {
    const auto json = nlohmann::json::parse(state, nullptr, false);
    if (json.is_object() && json.value("ssl", nlohmann::json()) == true) {
        return load_tls<Connector>(state);
    }
    if (json.is_object() && json.value("type", nlohmann::json()) == "RABBITMQ") {
        return load_rabbitmq<Connector>(state, client_id);
    }
    return Connector::load_state(state);
}

}  // namespace interop
