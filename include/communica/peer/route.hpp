// A route as a typed contract, shared by the side that asks and the side that answers.
#pragma once

#include "../serializers/json.hpp"
#include "several.hpp"

#include <string_view>
#include <type_traits>
#include <utility>

namespace communica {

/// `Route<R(A)>` says that the route of this name takes an `A` and answers with an `R`; `Route<R()>` takes nothing and
/// sends null, `Route<R(A, B)>` takes two values and sends an array of them. Both sides are checked by the compiler. The name has to
/// outlive the route: a literal does.
///
///     inline constexpr communica::Route<int(Operands)> sum{"sum"};
template <class Signature, Serializer S = JsonSerializer>
class Route;

template <class R, class... A, Serializer S>
class Route<R(A...), S> {
 public:
    using result_type = R;
    /// void for none; a type of the library's own for several.
    using argument_type = typename peer::ValuesOf<A...>::type;
    using serializer_type = S;

    constexpr explicit Route(const char* name, S serializer = {}) : name_(name), serializer_(std::move(serializer)) {}
    constexpr std::string_view name() const noexcept { return name_; }
    /// In which its values travel.
    constexpr const S& serializer() const noexcept { return serializer_; }

 private:
    std::string_view name_;
    [[no_unique_address]] S serializer_;
};

/// Is it a `Route`?
template <class T>
struct is_route : std::false_type {};
template <class Signature, class S>
struct is_route<Route<Signature, S>> : std::true_type {};

/// Any `Route`.
template <class T>
concept AnyRoute = is_route<std::remove_cvref_t<T>>::value;

}  // namespace communica
