// A route table that knows the types of its routes, for those who inspect its server.
#pragma once

#include "../entities/route_table.hpp"
#include "schema.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {
namespace schema {

/// What a serializer's bytes are called: `json`, `msgpack`, `cbor`, or the name of its type.
template <class S>
constexpr std::string_view format_of() {
    if constexpr (requires { std::string_view(S::format); }) {
        return S::format;
    } else {
        return type_name<S>();
    }
}

/// A schema is of what the library's own formats have; of any other type there is the name.
template <class S, class T>
nlohmann::json schema_in() {
    using Held = typename peer::HeldAs<T>::type;
    if constexpr (requires { std::string_view(S::format); } || std::is_void_v<Held>) {
        return schema_of<Held>();
    } else {
        return detail::opaque(type_name<Held>());
    }
}

/// What a handler that loads its value later takes.
template <class Data>
struct Unwrapped {
    using type = Data;
};
template <class T>
struct Unwrapped<peer::LoadLater<T>> {
    using type = T;
};

template <class Values>
struct OneOrSeveral;
template <class... V>
struct OneOrSeveral<std::tuple<V...>> {
    using type = typename peer::ValuesOf<V...>::type;
};

/// The types of a route whose side that asks sends `Data`, void for nothing, and gets a `Result`.
template <class S, class Data, class Result>
struct RequestTypes {
    static std::string write() {
        nlohmann::json types;
        types["kind"] = std::is_void_v<Result> ? "notification" : "request";
        types["serializer"] = format_of<S>();
        types["argument"] = schema_in<S, Data>();
        types["result"] = schema_in<S, Result>();
        return types.dump();
    }
};

template <class S, class Shape>
struct StreamTypes {
    static std::string write() {
        nlohmann::json types;
        types["kind"] = "stream";
        types["serializer"] = format_of<S>();
        types["argument"] = schema_in<S, typename OneOrSeveral<typename Shape::Values>::type>();
        if constexpr (!std::is_void_v<typename Shape::Out>) {
            types["items"] = schema_in<S, typename Shape::Out>();
        } else {
            types["result"] = schema_in<S, typename Shape::Result>();
        }
        if constexpr (!std::is_void_v<typename Shape::In>) {
            types["upload"] = schema_in<S, typename Shape::In>();
        }
        return types.dump();
    }
};

}  // namespace schema

/// A `RouteTable` that describes itself: whoever inspects its server sees the types of its routes as JSON Schema, and what `doc` says
/// of them, and `contract(table)` writes them down. Used in the place of a `RouteTable`, also where one is taken.
///
///     communica::DescribedTable routes;
///     routes.add(divide, [](Operands o) { return o.left / o.right; }).doc("Divides left by right.");
///     communica::RouteServer server{executor, communica::LocalConnector{"calculator"}, routes};
///
/// A schema is made each time that somebody asks for it. What it costs is compiled with the file that adds the routes.
template <Serializer S = JsonSerializer>
class DescribedTable : public RouteTable<S> {
    using Base = RouteTable<S>;

 public:
    using Base::Base;

    template <class F>
    DescribedTable& add(std::string_view route, F&& function) {  ///< as that of a `RouteTable`
        Base::add(route, std::forward<F>(function));
        return describe_deduced<F, S>(route);
    }
    template <class F, Serializer Own>
    DescribedTable& add(std::string_view route, F&& function, Own serializer) {  ///< as that of a `RouteTable`
        Base::add(route, std::forward<F>(function), std::move(serializer));
        return describe_deduced<F, Own>(route);
    }
    template <class R, class... A, class Own, class F>
    DescribedTable& add(const Route<R(A...), Own>& route, F&& function) {  ///< as that of a `RouteTable`
        Base::add(route, std::forward<F>(function));
        if constexpr (peer::StreamShape<R(A...)>::is_one) {
            return note(route.name(), &schema::StreamTypes<Own, peer::StreamShape<R(A...)>>::write);
        } else {
            using Data = typename Route<R(A...), Own>::argument_type;
            return note(route.name(), &schema::RequestTypes<Own, Data, R>::write);
        }
    }

    /// Says in a sentence what the route is for that was added last.
    DescribedTable& doc(std::string sentence) {
        const std::string route = last_;
        return note(route, types_, std::move(sentence));
    }

    /// All routes of another table, with what is known of them.
    template <Serializer Other>
    DescribedTable& join(const RouteTable<Other>& other) {
        Base::join(other);
        return *this;
    }

 private:
    template <class F, class Own>
    DescribedTable& describe_deduced(std::string_view route) {
        using Shape = peer::HandlerShape<F>;
        if constexpr (Shape::is_one) {
            return note(route, &schema::StreamTypes<Own, Shape>::write);
        } else {
            using Signature = peer::Signature<F>;
            using Data = typename schema::Unwrapped<typename Signature::Args::Data>::type;
            using Result = std::remove_cvref_t<typename peer::ResultOf<typename Signature::Result>::type>;
            return note(route, &schema::RequestTypes<Own, Data, Result>::write);
        }
    }

    DescribedTable& note(std::string_view route, std::string (*types)(), std::string text = {}) {
        this->describe(route,
                       std::make_shared<const peer::RouteDescription>(peer::RouteDescription{types, std::move(text)}));
        last_ = route;
        types_ = types;
        return *this;
    }

    std::string last_;
    std::string (*types_)() = nullptr;
};

}  // namespace communica
