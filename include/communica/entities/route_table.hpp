// A table of handlers by route, from which servers and clients are constructed.
#pragma once

#include "../peer/on_executor.hpp"
#include "../peer/route.hpp"
#include "../peer/typed_handler.hpp"

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

/// A table of handlers. A value: copies share the handlers, and one table serves many entities.
///
/// A handler takes the value of the request, by value or const reference, then optionally a `Context&` and the
/// requesting peer (`RoutePeer<>&`). It returns its result or an `asio::awaitable` of it. It throws `RequesterError` or
/// `ResponderError` to answer with that error. It runs on the connection's executor. Handlers of one connection never
/// run at the same time; handlers of different connections may, if several threads run the context.
template <Serializer S = JsonSerializer>
class RouteTable {
 public:
    using serializer_type = S;

    RouteTable() = default;
    /// `name` identifies the table in messages about duplicate routes.
    explicit RouteTable(std::string name, S serializer = {})
        : name_(std::move(name)), serializer_(std::move(serializer)) {}
    explicit RouteTable(S serializer) : serializer_(std::move(serializer)) {}

    /// Adds a handler with the types of its signature. Throws `RouteOverrideError` if the route is defined already.
    template <class F>
    RouteTable& add(std::string_view route, F&& function) {
        return insert(route, peer::make_handler(std::forward<F>(function), serializer_));
    }
    /// Adds a handler with its own serializer.
    template <class F, Serializer Own>
    RouteTable& add(std::string_view route, F&& function, Own serializer) {
        return insert(route, peer::make_handler<true>(std::forward<F>(function), std::move(serializer)));
    }
    /// Adds a handler that matches a typed route. It may be generic.
    template <class R, class... A, class Own, class F>
    RouteTable& add(const Route<R(A...), Own>& route, F&& function) {
        if constexpr (peer::StreamShape<R(A...)>::is_one) {
            using Shape = peer::StreamShape<R(A...)>;
            return insert(route.name(), peer::make_stream_handler<Shape>(std::forward<F>(function), route.serializer()),
                          route.value_names());
        } else {
            using Data = typename Route<R(A...), Own>::argument_type;
            return insert(route.name(),
                          peer::make_route_handler<R, Data>(std::forward<F>(function), route.serializer()),
                          route.value_names());
        }
    }

    /// Adds all routes of another table. Throws `RouteOverrideError`, and adds none, if one is defined already.
    template <Serializer Other>
    RouteTable& join(const RouteTable<Other>& other) {
        peer::HandlerMap joined = handlers_;
        for (const auto& [route, handler] : other.handlers()) {
            if (!joined.emplace(route, handler).second) {
                throw RouteOverrideError("route \"" + route + "\"" + of_table(other.name()) + " is defined already" +
                                         of_table(name_));
            }
        }
        handlers_ = std::move(joined);
        return *this;
    }

    const std::string& name() const noexcept { return name_; }
    /// The serializer of routes without their own.
    const S& serializer() const noexcept { return serializer_; }
    /// Used by entities.
    const peer::HandlerMap& handlers() const noexcept { return handlers_; }

 protected:
    /// Sets the types and the purpose of a route in the table.
    void describe(std::string_view route, std::string (*types)(peer::ValueNames), std::string text) {
        auto& description = handlers_.find(route)->second.description;
        peer::RouteDescription described{types, std::move(text)};
        if (description) {
            described.value_names = description->value_names;
        }
        description = std::make_shared<const peer::RouteDescription>(std::move(described));
    }

 private:
    static std::string of_table(const std::string& name) { return name.empty() ? "" : " in table \"" + name + "\""; }

    RouteTable& insert(std::string_view route, peer::HandlerPtr handler,
                       std::span<const std::string_view> value_names = {}) {
        peer::DescribedHandler described(std::move(handler));
        if (!value_names.empty()) {
            described.description = std::make_shared<const peer::RouteDescription>(
                peer::RouteDescription{.value_names = {value_names.begin(), value_names.end()}});
        }
        if (!handlers_.emplace(route, std::move(described)).second) {
            throw RouteOverrideError("route \"" + std::string(route) + "\" is defined already" + of_table(name_));
        }
        return *this;
    }

    std::string name_;
    peer::HandlerMap handlers_;
    [[no_unique_address]] S serializer_{};
};

/// Joins several tables into one with the serializer of the first. Throws `RouteOverrideError` for a route in two of
/// them.
template <Serializer S>
RouteTable<S> join(std::initializer_list<RouteTable<S>> tables) {
    RouteTable<S> joined = tables.size() == 0 ? RouteTable<S>() : *tables.begin();
    for (std::size_t index = 1; index < tables.size(); ++index) {
        joined.join(tables.begin()[index]);
    }
    return joined;
}

}  // namespace communica
