#pragma once

#include "detail/local_name.hpp"
#include "detail/local_platform.hpp"
#include "detail/state.hpp"
#include "local.hpp"

#include <utility>

namespace communica {

COMMUNICA_INLINE std::string local_directory() { return detail::own_directory(); }

COMMUNICA_INLINE LocalConnector::LocalConnector(std::string name, LocalOptions options)
    : name_(detail::local_name(std::move(name))), options_(std::move(options)) {
    (void)detail::LocalAddress(name_, options_);  // throws if the address is invalid
}

COMMUNICA_INLINE std::string LocalConnector::address() const { return detail::LocalAddress(name_, options_).text(); }

COMMUNICA_INLINE std::string LocalConnector::dump_state() const {
    return "{\"type\": \"LocalConnector\", \"name\": " + detail::quote_ascii(name_) +
           detail::dump_local_options(options_) + "}";
}

COMMUNICA_INLINE LocalConnector LocalConnector::load_state(const std::string& text) {
    const detail::ConnectorState state(text, "LocalConnector");
    return LocalConnector(state.get<std::string>("name"), detail::load_local_options(state));
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> LocalConnector::connect(asio::any_io_executor executor,
                                                                                      ConnectionOptions options) const {
    return detail::connect_local({name_, options_}, std::move(executor), std::move(options));
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> LocalConnector::listen(asio::any_io_executor executor,
                                                                                   ConnectionOptions options) const {
    return detail::listen_local({name_, options_}, dump_state(), std::move(executor), std::move(options));
}

}  // namespace communica
