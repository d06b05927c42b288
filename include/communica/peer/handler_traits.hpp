// The parts of a handler's signature: its value, its extra arguments and its result.
#pragma once

#include "../asio.hpp"
#include "../serializers/bytes.hpp"
#include "../serializers/codec/allowance.hpp"
#include "context.hpp"
#include "peer_handle.hpp"
#include "reply.hpp"
#include "several.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <tuple>
#include <type_traits>

namespace communica::peer {

/// Takes the place of a `T` in a handler that runs on another executor: holds the message, which is loaded there,
/// because loading a large message takes long.
template <class T>
class LoadLater {
    using Held = typename HeldAs<T>::type;

 public:
    template <class S>
    LoadLater(const S& serializer, Bytes body, Buffer* backing_buffer, std::size_t max_loaded)
        : body_(codec::load_from<Buffer>(BytesSerializer(), body, backing_buffer)),
          load_([serializer, max_loaded](Buffer& bytes) {
              const codec::Allowance allowance(max_loaded);
              return codec::load_from<Held>(serializer, bytes.bytes(), &bytes);
          }) {
        if (auto* const attachments = base::LoadingFrom::current()) [[unlikely]] {
            body_.attachments() = attachments->shared_from_this();
        }
    }

    /// Call it once. Throws `UnloadableValue`.
    Held load() {
        const auto attachments = body_.take_attachments();  // those that the value does not take are closed
        const base::LoadingFrom own(attachments.get());
        try {
            return load_(body_);
        } catch (...) {
            throw UnloadableValue{std::current_exception()};
        }
    }

 private:
    Buffer body_;
    std::function<Held(Buffer&)> load_;
};

/// The type that the bytes of a message are loaded as.
template <class Data>
struct LoadedAs {
    using type = typename HeldAs<Data>::type;
    static constexpr bool is_later = false;
};
template <class T>
struct LoadedAs<LoadLater<T>> {
    using type = typename HeldAs<T>::type;
    static constexpr bool is_later = true;
};

/// The value type of a result, and whether the result has to be awaited.
template <class T>
struct ResultOf {
    using type = T;
    static constexpr bool is_coroutine = false;
};
template <class T, class E>
struct ResultOf<asio::awaitable<T, E>> {
    using type = T;
    static constexpr bool is_coroutine = true;
};

/// True for the references that a handler may take besides its value.
template <class T>
inline constexpr bool is_extra = false;
template <>
inline constexpr bool is_extra<Context&> = true;
template <class S>
inline constexpr bool is_extra<SimplePeer<S>&> = true;
template <class S>
inline constexpr bool is_extra<RoutePeer<S>&> = true;

/// True if `E` is a peer that uses JSON while the entity uses `S`: the handler did not name the serializer.
template <class S, class E>
inline constexpr bool forgets = !std::is_same_v<S, JsonSerializer> && (std::is_same_v<E, SimplePeer<JsonSerializer>> ||
                                                                       std::is_same_v<E, RoutePeer<JsonSerializer>>);
template <class S, class Extras>
inline constexpr bool asks_back_in = true;
template <class S, class... E>
inline constexpr bool asks_back_in<S, std::tuple<E...>> = !(forgets<S, E> || ...);

/// True for a value, taken by value or by const reference. An extra is never a value, however it is taken.
template <class T>
inline constexpr bool is_value = !is_extra<std::remove_cvref_t<T>&> &&
                                 (!std::is_lvalue_reference_v<T> || std::is_const_v<std::remove_reference_t<T>>);

/// The split arguments: `Data` is the type of the values (`ValuesOf`), `Extras` the types that follow them.
template <class Values, class... A>
struct SplitArguments;
template <class... V, class... E>
struct SplitArguments<std::tuple<V...>, E...> {
    using Data = typename ValuesOf<V...>::type;
    using Extras = std::tuple<std::remove_reference_t<E>...>;
    static constexpr bool valid = (is_value<V> && ...) && (is_extra<E> && ...);
};
template <class... V, class Next, class... Rest>
    requires(!is_extra<Next>)
struct SplitArguments<std::tuple<V...>, Next, Rest...> : SplitArguments<std::tuple<V..., Next>, Rest...> {};
template <class... A>
using Arguments = SplitArguments<std::tuple<>, A...>;

/// Callables with one signature: neither generic nor overloaded.
template <class F>
concept Deducible = requires(std::decay_t<F>& function) { std::function{function}; };

template <class Function>
struct SignatureOf;
template <class R, class... A>
struct SignatureOf<std::function<R(A...)>> {
    using Result = R;
    using Args = Arguments<A...>;
};
template <class F>
using Signature = SignatureOf<decltype(std::function{std::declval<std::decay_t<F>&>()})>;

/// The result of calling `F` with a `Data` (nothing if void) and these extras.
template <class F, class Data, class Extras>
struct ResultWith;
template <class F, class Data, class... E>
struct ResultWith<F, Data, std::tuple<E...>> : std::invoke_result<F&, Data&&, E&...> {};
template <class F, class... E>
struct ResultWith<F, void, std::tuple<E...>> : std::invoke_result<F&, E&...> {};
template <class F, class... T, class... E>
struct ResultWith<F, Several<T...>, std::tuple<E...>> : std::invoke_result<F&, T&&..., E&...> {};

/// The first list of extras with which `F` can be called after a `Data`; void if there is none.
template <class F, class Data, class... Candidates>
struct FirstThatFits {
    using type = void;
};
template <class F, class Data, class Candidate, class... More>
struct FirstThatFits<F, Data, Candidate, More...> : FirstThatFits<F, Data, More...> {};
template <class F, class Data, class Candidate, class... More>
    requires requires { typename ResultWith<F, Data, Candidate>::type; }
struct FirstThatFits<F, Data, Candidate, More...> {
    using type = Candidate;
};

/// The extras of a handler under a route: those of its signature, or for a generic callable the first list that it
/// accepts. Its peer uses `S`.
template <class F, class Data, class S>
struct ExtrasOf : FirstThatFits<std::decay_t<F>, Data, std::tuple<>, std::tuple<Context>, std::tuple<RoutePeer<S>>,
                                std::tuple<Context, RoutePeer<S>>, std::tuple<RoutePeer<S>, Context>> {};
template <Deducible F, class Data, class S>
struct ExtrasOf<F, Data, S> : FirstThatFits<std::decay_t<F>, Data, typename Signature<F>::Args::Extras> {};

/// The type that a handler takes under a route with values of type `Data`.
template <class F, class Data>
struct TakenUnder {
    using type = Data;
};
template <Deducible F, class Data>
    requires std::same_as<typename Signature<F>::Args::Data, LoadLater<Data>>
struct TakenUnder<F, Data> {
    using type = LoadLater<Data>;
};

/// Gives a signature to a generic or overloaded callable.
template <class Sig, class F>
class Named;
template <class R, class... A, class F>
class Named<R(A...), F> {
 public:
    explicit Named(F function) : function_(std::move(function)) {}
    R operator()(A... arguments) { return function_(std::forward<A>(arguments)...); }

 private:
    F function_;
};

}  // namespace communica::peer

namespace communica {

/// Gives a signature to a generic or overloaded callable: `with_signature<int(Operands)>(f)`.
template <class Signature, class F>
auto with_signature(F function) {
    return peer::Named<Signature, F>(std::move(function));
}
/// The former name of `with_signature`.
template <class Signature, class F>
[[deprecated("communica: with_signature")]] auto handler(F function) {
    return with_signature<Signature>(std::move(function));
}

}  // namespace communica
