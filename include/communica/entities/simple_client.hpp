// A client with at most one handler.
#pragma once

#include "../peer/requests.hpp"
#include "../peer/typed_handler.hpp"
#include "client.hpp"

#include <memory>
#include <type_traits>
#include <utility>

namespace communica {

/// Sends requests to a `SimpleServer`, and answers the server's requests if it has a handler (see `RouteTable` for the
/// signatures of handlers).
///
///     communica::SimpleClient client{executor, communica::TcpConnector{"localhost", 16161}};
///     co_await client.connect();
///     auto answer = co_await client.request<std::string>("hello");
template <Connector C, Serializer S = JsonSerializer>
class SimpleClient : public Client<SimpleClient<C, S>, S>, public SimpleRequests<SimpleClient<C, S>> {
    using Base = Client<SimpleClient, S>;

 public:
    template <ExecutorSource X>
    explicit SimpleClient(X&& executor, C connector, S serializer = {}, ClientOptions options = {})
        : Base(executor_of(std::forward<X>(executor)), ConnectionFactory(std::move(connector)), handlers_of(nullptr),
               std::move(serializer), std::move(options)) {}
    template <ExecutorSource X>
    SimpleClient(X&& executor, C connector, ClientOptions options)
        : SimpleClient(std::forward<X>(executor), std::move(connector), S{}, std::move(options)) {}
    template <ExecutorSource X, class F>
        requires(!Serializer<std::decay_t<F>> && !std::same_as<std::decay_t<F>, ClientOptions>)
    SimpleClient(X&& executor, C connector, F&& handler, S serializer = {}, ClientOptions options = {})
        : Base(executor_of(std::forward<X>(executor)), ConnectionFactory(std::move(connector)),
               handlers_of(peer::make_handler(std::forward<F>(handler), serializer)), serializer, std::move(options)) {}
    template <ExecutorSource X, class F>
        requires(!Serializer<std::decay_t<F>> && !std::same_as<std::decay_t<F>, ClientOptions>)
    SimpleClient(X&& executor, C connector, F&& handler, ClientOptions options)
        : SimpleClient(std::forward<X>(executor), std::move(connector), std::forward<F>(handler), S{},
                       std::move(options)) {}

 private:
    friend class SimpleRequests<SimpleClient>;
    static std::shared_ptr<peer::Handlers> handlers_of(peer::HandlerPtr handler) {
        return std::make_shared<peer::Handlers>(std::move(handler));
    }
};

template <class X, class C, class... More>
    requires(!Connector<std::decay_t<C>>)
SimpleClient(X&&, C&&, More&&...) -> SimpleClient<typename detail::MustBeConnector<std::decay_t<C>>::type>;

}  // namespace communica
