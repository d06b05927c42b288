// A route as a typed contract that both sides share.
#pragma once

#include "../serializers/json.hpp"
#include "several.hpp"

#include <string_view>
#include <type_traits>
#include <utility>

namespace communica {

/// `Route<R(A)>`: the route of this name takes an `A` and answers with an `R`. `Route<R()>` takes no value and sends
/// null. `Route<R(A, B)>` takes two values and sends an array of them. The compiler checks both sides. The name must
/// outlive the route, as a literal does.
///
///     inline constexpr communica::Route<int(Operands)> sum{"sum"};
template <class Signature, Serializer S = JsonSerializer>
class Route;

template <class R, class... A, Serializer S>
class Route<R(A...), S> {
 public:
    using result_type = R;
    /// void for no value; a type of the library for several.
    using argument_type = typename peer::ValuesOf<A...>::type;
    using serializer_type = S;

    constexpr explicit Route(std::string_view name, S serializer = {})
        : name_(name), serializer_(std::move(serializer)) {}
    constexpr std::string_view name() const noexcept { return name_; }
    /// The serializer of its values.
    constexpr const S& serializer() const noexcept { return serializer_; }

 private:
    std::string_view name_;
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
