// A server with one handler per route.
#pragma once

#include "../peer/ask.hpp"
#include "../peer/peer_handle.hpp"
#include "../peer/requests.hpp"
#include "notify_all.hpp"
#include "route_table.hpp"
#include "server.hpp"

#include <initializer_list>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace communica {

/// Answers the requests of its clients with the handlers of its table, and sends them requests. `request` and `notify`
/// go to a random connected client, or wait for the first. `client(id)` addresses one client.
///
///     communica::RouteTable routes;
///     routes.add(sum, [](Operands o) { return o.a + o.b; });
///     communica::RouteServer server{executor, communica::LocalConnector{"calculator"}, routes};
///     co_await server.run();
template <Connector C, Serializer S = JsonSerializer>
class RouteServer : public Server<RouteServer<C, S>, S>, public RouteRequests<RouteServer<C, S>> {
    using Base = Server<RouteServer, S>;

 public:
    template <ExecutorSource X>
    RouteServer(X&& executor, C connector, const RouteTable<S>& table, ServerOptions options = {})
        : Base(executor_of(std::forward<X>(executor)), ListenerFactory(std::move(connector)),
               std::make_shared<peer::Handlers>(table.handlers()), table.serializer(), std::move(options)) {}

    /// Joins several tables. Throws `RouteOverrideError` for a route in two of them.
    template <ExecutorSource X>
    RouteServer(X&& executor, C connector, std::initializer_list<RouteTable<S>> tables, ServerOptions options = {})
        : RouteServer(std::forward<X>(executor), std::move(connector), join(tables), std::move(options)) {}

    /// Makes a server without handlers, which only sends requests or gets handlers later by `add_routes`.
    template <ExecutorSource X>
    RouteServer(X&& executor, C connector, ServerOptions options = {})
        : RouteServer(std::forward<X>(executor), std::move(connector), RouteTable<S>(), std::move(options)) {}

    /// Returns a handle of the client with this id. Requests to an absent client wait for it until their deadline.
    RoutePeer<S> client(std::string_view id) const { return {this->source(id), std::string(id), this->serializer()}; }

    /// Sends a notification to every connected client: `notify_all(route, values...[, token])`.
    /// Completes with: `void(std::exception_ptr, std::size_t)`, the number of these clients.
    /// Executor: the token's, by default the server's.
    /// Errors: `SerializerError`.
    template <class V, class Token = default_token>
    auto notify_all(std::string_view route, const V& value, Token&& token = {}) {
        return tell_all(route, this->serializer(), value, std::forward<Token>(token));
    }
    template <class R, class A, class Own, class Token = default_token>
    auto notify_all(const Route<R(A), Own>& route, const std::type_identity_t<A>& value, Token&& token = {}) {
        return tell_all(route.name(), route.serializer(), value, std::forward<Token>(token));
    }
    template <class R, class Own, class Token = default_token>
    auto notify_all(const Route<R(), Own>& route, Token&& token = {}) {
        return tell_all(route.name(), route.serializer(), Nothing{}, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... Rest, class Own, class First, class Second, peer::NotOptions... More>
    auto notify_all(const Route<R(A, B, Rest...), Own>& route, First&& first, Second&& second, More&&... more) {
        return peer::ask_with_values<Own, std::remove_cvref_t<A>, std::remove_cvref_t<B>, std::remove_cvref_t<Rest>...>(
            [&](const auto& values, const RequestOptions& /*none*/, auto&& token) {
                return tell_all(route.name(), route.serializer(), values, std::forward<decltype(token)>(token));
            },
            std::forward<First>(first), std::forward<Second>(second), std::forward<More>(more)...);
    }

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
    friend class RouteRequests<RouteServer>;

    template <class Own, class V, class Token>
    auto tell_all(std::string_view route, const Own& serializer, const V& value, Token&& token) {
        return peer::notify_all(this->present(), this->get_executor(), serializer, route, value,
                                std::forward<Token>(token));
    }
};

template <class X, class C, class... More>
    requires(!Connector<std::decay_t<C>>)
RouteServer(X&&, C&&, More&&...) -> RouteServer<typename detail::MustBeConnector<std::decay_t<C>>::type>;

}  // namespace communica
