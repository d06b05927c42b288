// The values of a handler or a route that takes several: an array on the wire.
#pragma once

#include <tuple>
#include <type_traits>

namespace communica::peer {

/// The types of several values.
template <class... T>
struct Several {};

/// The types of a handler's or a route's values as one type: void for none, the type of one, `Several` for more.
template <class... A>
struct ValuesOf {
    using type = Several<std::remove_cvref_t<A>...>;
};
template <class A>
struct ValuesOf<A> {
    using type = std::remove_cvref_t<A>;
};
template <>
struct ValuesOf<> {
    using type = void;
};

/// The type that such values are loaded as and stored in.
template <class Data>
struct HeldAs {
    using type = Data;
};
template <class... T>
struct HeldAs<Several<T...>> {
    using type = std::tuple<T...>;
};

}  // namespace communica::peer
