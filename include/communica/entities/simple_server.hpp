// A server with one handler.
#pragma once

#include "../peer/peer_handle.hpp"
#include "../peer/requests.hpp"
#include "../peer/typed_handler.hpp"
#include "notify_all.hpp"
#include "server.hpp"

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace communica {

/// Answers the requests of its clients with one handler (see `RouteTable` for the signatures of handlers), and sends
/// them requests. `request` and `notify` go to a random connected client, or wait for the first. `client(id)` addresses
/// one client.
///
///     communica::SimpleServer server{executor, communica::TcpConnector{"localhost", 16161},
///         [](std::string data) { return "Thanks for your '" + data + "'!"; }};
///     co_await server.run();
template <Connector C, Serializer S = JsonSerializer>
class SimpleServer : public Server<SimpleServer<C, S>, S>, public SimpleRequests<SimpleServer<C, S>> {
    using Base = Server<SimpleServer, S>;

 public:
    template <ExecutorSource X, class F>
        requires(!Serializer<std::decay_t<F>>)
    SimpleServer(X&& executor, C connector, F&& handler, S serializer = {}, ServerOptions options = {})
        : Base(executor_of(std::forward<X>(executor)), ListenerFactory(std::move(connector)),
               std::make_shared<peer::Handlers>(peer::make_handler(std::forward<F>(handler), serializer)), serializer,
               std::move(options)) {}
    template <ExecutorSource X, class F>
        requires(!Serializer<std::decay_t<F>>)
    SimpleServer(X&& executor, C connector, F&& handler, ServerOptions options)
        : SimpleServer(std::forward<X>(executor), std::move(connector), std::forward<F>(handler), S{},
                       std::move(options)) {}
    template <ExecutorSource X>
    SimpleServer(X&& executor, C connector) = delete;  // communica: the third argument is the handler

    /// Returns a handle of the client with this id. Requests to an absent client wait for it until their deadline.
    SimplePeer<S> client(std::string_view id) const { return {this->source(id), std::string(id), this->serializer()}; }

    /// Sends a notification to every connected client.
    /// Completes with: `void(std::exception_ptr, std::size_t)`, the number of these clients.
    /// Executor: the token's, by default the server's.
    /// Errors: `SerializerError`.
    template <class V, class Token = default_token>
    auto notify_all(const V& value, Token&& token = {}) {
        return peer::notify_all(this->present(), this->get_executor(), this->serializer(), {}, value,
                                std::forward<Token>(token));
    }

 private:
    friend class SimpleRequests<SimpleServer>;
};

template <class X, class C, class... More>
    requires(!Connector<std::decay_t<C>>)
SimpleServer(X&&, C&&, More&&...) -> SimpleServer<typename detail::MustBeConnector<std::decay_t<C>>::type>;

}  // namespace communica
