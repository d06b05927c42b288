// A route table that describes the types of its routes to clients that inspect the server.
#pragma once

#include "../entities/route_table.hpp"
#include "schema.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {
namespace schema {

/// The name of a serializer's format: `json`, `msgpack`, `cbor`, or the name of its type.
template <class S>
constexpr std::string_view format_of() {
    if constexpr (requires { std::string_view(S::format); }) {
        return S::format;
    } else {
        return type_name<S>();
    }
}

/// Returns the schema of a `T` in the library's own formats, or the name of the type in another format.
template <class S, class T>
nlohmann::json schema_in() {
    using Held = typename peer::HeldAs<T>::type;
    if constexpr (requires { std::string_view(S::format); } || std::is_void_v<Held>) {
        return schema_of<Held>();
    } else {
        return detail::opaque(type_name<Held>());
    }
}

/// The value type of a handler that loads its value later.
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

/// Adds the names of several values to their schemas.
inline void add_titles(nlohmann::json& argument, peer::ValueNames names) {
    if (!argument.contains("prefixItems")) {
        return;  // of another format
    }
    for (std::size_t index = 0; index != names.size(); ++index) {
        argument["prefixItems"][index]["title"] = names[index];
    }
}

/// The types of a route whose requests carry `Data`, or nothing if void, and whose responses carry a `Result`.
template <class S, class Data, class Result>
struct RequestTypes {
    static std::string write(peer::ValueNames names) {
        nlohmann::json types;
        types["kind"] = std::is_void_v<Result> ? "notification" : "request";
        types["serializer"] = format_of<S>();
        types["argument"] = schema_in<S, Data>();
        add_titles(types["argument"], names);
        types["result"] = schema_in<S, Result>();
        return types.dump();
    }
};

template <class S, class Shape>
struct StreamTypes {
    static std::string write(peer::ValueNames names) {
        nlohmann::json types;
        types["kind"] = "stream";
        types["serializer"] = format_of<S>();
        types["argument"] = schema_in<S, typename OneOrSeveral<typename Shape::Values>::type>();
        add_titles(types["argument"], names);
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

/// Returns the function that writes the types of a route.
template <class R, class... A, class Own>
constexpr auto types_of(const Route<R(A...), Own>& /*route*/) {
    if constexpr (peer::StreamShape<R(A...)>::is_one) {
        return &StreamTypes<Own, peer::StreamShape<R(A...)>>::write;
    } else {
        return &RequestTypes<Own, typename Route<R(A...), Own>::argument_type, R>::write;
    }
}

}  // namespace schema

/// A `RouteTable` with descriptions of its routes. A client that inspects the server gets their types as JSON Schema
/// and the text of `doc`, and `contract(table)` writes the types to a file. It is accepted wherever a `RouteTable` is.
///
///     communica::DescribedTable routes;
///     routes.add(divide, [](Operands o) { return o.left / o.right; }).doc("Divides left by right.");
///     communica::RouteServer server{executor, communica::LocalConnector{"calculator"}, routes};
///
/// A schema is created at each inspection. Its code is compiled in the file that adds the routes.
template <Serializer S = JsonSerializer>
class DescribedTable : public RouteTable<S> {
    using Base = RouteTable<S>;

 public:
    using Base::Base;

    template <class F>
    DescribedTable& add(std::string_view route, F&& function) {  ///< as `RouteTable::add`
        Base::add(route, std::forward<F>(function));
        return describe_deduced<F, S>(route);
    }
    template <class F, Serializer Own>
    DescribedTable& add(std::string_view route, F&& function, Own serializer) {  ///< as `RouteTable::add`
        Base::add(route, std::forward<F>(function), std::move(serializer));
        return describe_deduced<F, Own>(route);
    }
    template <class R, class... A, class Own, class F>
    DescribedTable& add(const Route<R(A...), Own>& route, F&& function) {  ///< as `RouteTable::add`
        Base::add(route, std::forward<F>(function));
        return note(route.name(), schema::types_of(route));
    }

    /// Sets the description of the route that was added last.
    DescribedTable& doc(std::string sentence) {
        const std::string route = last_;
        return note(route, types_, std::move(sentence));
    }

    /// Adds all routes of another table with their descriptions.
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

    DescribedTable& note(std::string_view route, std::string (*types)(peer::ValueNames), std::string text = {}) {
        this->describe(route, types, std::move(text));
        last_ = route;
        types_ = types;
        return *this;
    }

    std::string last_;
    std::string (*types_)(peer::ValueNames) = nullptr;
};

}  // namespace communica
