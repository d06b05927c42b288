// TLS for the interop peer where OpenSSL is not found: its states are refused.
#pragma once

#include <string>
#include <tuple>

namespace interop {

using TlsKinds = std::tuple<>;

template <class Any>
Any load_tls(const std::string& state) {
    return Any::load_state(state);
}

}  // namespace interop
