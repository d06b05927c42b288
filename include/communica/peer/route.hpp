// A route as a typed contract that both sides share.
#pragma once

#include "../serializers/json.hpp"
#include "several.hpp"
#include "streams/shape.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {

/// `Route<R(A)>`: the route of this name takes an `A` and answers with an `R`. `Route<R()>` takes no value and sends
/// null. `Route<R(A, B)>` takes two values and sends an array of them. The compiler checks both sides. The name must
/// outlive the route, as a literal does.
///
///     inline constexpr communica::Route<int(Operands)> sum{"sum"};
///
/// Several values may have names, for contracts and errors. On the wire they have none.
///
///     inline constexpr communica::Route<void(std::string, std::string)> set{"set", {"key", "value"}};
template <class Signature, Serializer S = JsonSerializer>
class Route;

template <class R, class... A, Serializer S>
class Route<R(A...), S> {
    static constexpr std::size_t values = std::tuple_size_v<typename peer::StreamShape<R(A...)>::Values>;

 public:
    using result_type = R;
    /// void for no value; a type of the library for several.
    using argument_type = typename peer::ValuesOf<A...>::type;
    using serializer_type = S;

    constexpr explicit Route(std::string_view name, S serializer = {})
        : name_(name), serializer_(std::move(serializer)) {}
    /// The names must outlive the route.
    template <std::size_t N>
    constexpr explicit Route(std::string_view name, const std::string_view (&value_names)[N], S serializer = {})
        : name_(name), names_(N), serializer_(std::move(serializer)) {
        static_assert(N == values && N > 1, "communica: a route of several values names each of them, in their order");
        std::copy(value_names, value_names + N, value_names_.begin());
    }
    constexpr std::string_view name() const noexcept { return name_; }
    /// The names of its values; empty without names.
    constexpr std::span<const std::string_view> value_names() const noexcept { return {value_names_.data(), names_}; }
    /// The serializer of its values.
    constexpr const S& serializer() const noexcept { return serializer_; }

 private:
    std::string_view name_;
    std::size_t names_ = 0;
    std::array<std::string_view, (values > 1 ? values : 0)> value_names_{};
    [[no_unique_address]] S serializer_;
};

namespace peer {

/// True for a `Route`.
template <class T>
struct is_route : std::false_type {};
template <class Signature, class S>
struct is_route<Route<Signature, S>> : std::true_type {};

}  // namespace peer

/// Any `Route`.
template <class T>
concept AnyRoute = peer::is_route<std::remove_cvref_t<T>>::value;

}  // namespace communica
