// A connector whose type is known at run time only, as for a child process that loads a state.
#pragma once

#include "descriptor.hpp"
#include "local.hpp"
#include "memory.hpp"
#include "tcp.hpp"

#include <string>
#include <utility>
#include <variant>

namespace communica {

/// Holds one of the connectors `Cs`. `load_state` accepts the state of any of them.
template <Connector... Cs>
class AnyConnectorOf {
 public:
    template <class C>
        requires(std::same_as<C, Cs> || ...)
    AnyConnectorOf(C connector) : connector_(std::move(connector)) {}

    std::string address() const {
        return std::visit([](const auto& connector) { return connector.address(); }, connector_);
    }
    std::string dump_state() const& {
        return std::visit([](const auto& connector) { return connector.dump_state(); }, connector_);
    }
    std::string dump_state() && {
        return std::visit([](auto& connector) { return std::move(connector).dump_state(); }, connector_);
    }
    static AnyConnectorOf load_state(const std::string& text) { return load_first<Cs...>(text, {}); }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        return std::visit([&](const auto& connector) { return connector.connect(executor, options); }, connector_);
    }
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        return std::visit([&](const auto& connector) { return connector.listen(executor, options); }, connector_);
    }

    bool serves_once() const {
        return std::visit([](const auto& connector) { return detail::serves_once(connector); }, connector_);
    }
    std::chrono::milliseconds first_retry() const {
        return std::visit([](const auto& connector) { return detail::first_retry_of(connector); }, connector_);
    }

 private:
    template <class First, class... Rest>
    static AnyConnectorOf load_first(const std::string& text, const std::string& refusals) {
        try {
            return First::load_state(text);
        } catch (const std::system_error& e) {
            if (e.code() != errc::invalid_state) {
                throw;
            }
            const std::string all = refusals + (refusals.empty() ? "" : "; ") + e.what();
            if constexpr (sizeof...(Rest) == 0) {
                throw std::system_error(errc::invalid_state, all);
            } else {
                return load_first<Rest...>(text, all);
            }
        }
    }

    std::variant<Cs...> connector_;
};

/// Holds one of the connectors that need no further library.
using AnyConnector = AnyConnectorOf<TcpConnector, LocalConnector, DescriptorConnector, MemoryConnector>;

}  // namespace communica
