// The callbacks of options.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

namespace communica {

namespace peer {

/// Makes the compiler name the signature, instead of the constructors of `std::function`.
template <class Signature, class F>
struct MustBeHook;

template <class R, class... A, class F>
struct MustBeHook<R(A...), F> {
    static_assert(std::is_invocable_r_v<R, F&, A...>,
                  "communica: this is no function of the hook's signature, the first argument of MustBeHook");
    static_assert(std::copy_constructible<F>, "communica: a hook is copied; let it hold a std::shared_ptr");
};

}  // namespace peer

/// A `std::function`, which may be empty. Anything else than a function of this signature is a compile-time error that
/// states the signature.
template <class Signature>
class Hook;

template <class R, class... A>
class Hook<R(A...)> : public std::function<R(A...)> {
    using Function = std::function<R(A...)>;

 public:
    Hook() = default;
    Hook(std::nullptr_t) noexcept {}
    template <class F>
        requires(!std::derived_from<std::remove_cvref_t<F>, Hook>)
    Hook(F&& callback) {
        if constexpr (std::is_invocable_r_v<R, std::decay_t<F>&, A...> && std::copy_constructible<std::decay_t<F>>) {
            Function::operator=(std::forward<F>(callback));
        } else {
            (void)peer::MustBeHook<R(A...), std::decay_t<F>>();
        }
    }
};

}  // namespace communica
