// A client with one handler per route.
#pragma once

#include "../peer/requests.hpp"
#include "client.hpp"
#include "route_table.hpp"

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

namespace communica {

/// Sends requests to a `RouteServer` by route, and answers the server's requests with the handlers of its table.
///
///     communica::RouteClient client{executor, communica::LocalConnector{"calculator"}};
///     co_await client.connect();
///     int three = co_await client.request(sum, {1, 2});
template <Connector C, Serializer S = JsonSerializer>
class RouteClient : public Client<RouteClient<C, S>, S>, public RouteRequests<RouteClient<C, S>> {
    using Base = Client<RouteClient, S>;

 public:
    template <ExecutorSource X>
    RouteClient(X&& executor, C connector, const RouteTable<S>& table = {}, ClientOptions options = {})
        : Base(executor_of(std::forward<X>(executor)), ConnectionFactory(std::move(connector)),
               std::make_shared<peer::Handlers>(table.handlers()), table.serializer(), std::move(options)) {}
    template <ExecutorSource X>
    RouteClient(X&& executor, C connector, ClientOptions options)
        : RouteClient(std::forward<X>(executor), std::move(connector), RouteTable<S>{}, std::move(options)) {}

    /// Joins several tables. Throws `RouteOverrideError` for a route in two of them.
    template <ExecutorSource X>
    RouteClient(X&& executor, C connector, std::initializer_list<RouteTable<S>> tables, ClientOptions options = {})
        : RouteClient(std::forward<X>(executor), std::move(connector), join(tables), std::move(options)) {}

    /// Adds handlers later. Throws `RouteOverrideError`, and adds none, if a route is defined already. Thread-safe.
    template <Serializer Other>
    void add_routes(const RouteTable<Other>& table) {
        this->handlers().add(table.handlers(), table.name());
    }
    /// The former name of `add_routes`.
    template <Serializer Other>
    [[deprecated("communica: add_routes")]] void routes(const RouteTable<Other>& table) {
        add_routes(table);
    }

 private:
    friend class RouteRequests<RouteClient>;
};

template <class X, class C, class... More>
    requires(!Connector<std::decay_t<C>>)
RouteClient(X&&, C&&, More&&...) -> RouteClient<typename detail::MustBeConnector<std::decay_t<C>>::type>;

}  // namespace communica
