// The connectors that the interop peer knows: where OpenSSL is not found, without TLS.
#pragma once

#include <communica/connectors/any.hpp>

#include <string>

namespace interop {

using Connector = communica::AnyConnector;

inline Connector load_connector(const std::string& state) { return Connector::load_state(state); }

}  // namespace interop
