// The streams in the signature of a route or a handler.
#pragma once

#include "stream.hpp"

#include <tuple>
#include <type_traits>

namespace communica::peer {

/// The type of a stream's items; void if `T` is not a stream.
template <class T>
struct ItemOf {
    using type = void;
};
template <class T>
struct ItemOf<Stream<T>> {
    using type = T;
};
template <class T>
using ItemOfT = typename ItemOf<std::remove_cvref_t<T>>::type;

template <class T>
inline constexpr bool is_stream = !std::is_void_v<ItemOfT<T>>;

/// `In` is the type of the items that the opening side sends, `Out` of those it receives; void for none. `Result` is
/// the type of the answer at the end.
template <class R, class InItem, class... V>
struct StreamShapeOf {
    using In = InItem;
    using Out = ItemOfT<R>;
    using Result = std::conditional_t<is_stream<R>, void, R>;
    using Values = std::tuple<std::remove_cvref_t<V>...>;
    static constexpr bool is_one = is_stream<R> || !std::is_void_v<In>;
    static_assert(!(is_stream<V> || ...),
                  "communica: a route has one stream of items to the other side, its last parameter");
};

template <class R, class Before, class... A>
struct SplitLast;
template <class R, class... V>
struct SplitLast<R, std::tuple<V...>> : StreamShapeOf<R, void, V...> {};
template <class R, class... V, class Last>
struct SplitLast<R, std::tuple<V...>, Last>
    : std::conditional_t<is_stream<Last>, StreamShapeOf<R, ItemOfT<Last>, V...>, StreamShapeOf<R, void, V..., Last>> {};
template <class R, class... V, class Next, class More, class... Rest>
struct SplitLast<R, std::tuple<V...>, Next, More, Rest...> : SplitLast<R, std::tuple<V..., Next>, More, Rest...> {};

/// The shape of a route's signature, `R(A...)`.
template <class Signature>
struct StreamShape;
template <class R, class... A>
struct StreamShape<R(A...)> : SplitLast<R, std::tuple<>, A...> {};

/// The handle that `open` completes with.
template <class Out, class In, class Result>
struct HandleOf {
    using type = Duplex<Out, In>;
};
template <class Out>
struct HandleOf<Out, void, void> {
    using type = Stream<Out>;
};
template <class In, class Result>
struct HandleOf<void, In, Result> {
    using type = Upload<In, Result>;
};
template <class Shape>
using Handle = typename HandleOf<typename Shape::Out, typename Shape::In, typename Shape::Result>::type;

}  // namespace communica::peer
