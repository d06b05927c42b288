// A user's callable that takes or returns a stream, as a handler.
#pragma once

#include "../handler_traits.hpp"
#include "../worker.hpp"
#include "shape.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// A running handler of a stream: the part that does not depend on its types.
class ServedStream : public Interceptable {
 public:
    /// Runs the handler, sends the end of the stream, and waits until all is sent.
    static asio::awaitable<void> serve(std::shared_ptr<InflightCall> call, std::unique_ptr<ServedStream> self);

 protected:
    ServedStream(const Incoming& incoming, std::shared_ptr<StreamEnd> end)
        : Interceptable(incoming), end_(std::move(end)) {}

    const std::shared_ptr<StreamEnd>& end() const noexcept { return end_; }

    /// Runs the handler. Makes a reply if it has a result: an open stream needs no memory for it.
    virtual asio::awaitable<void> call(std::unique_ptr<Reply>& reply) = 0;
    asio::awaitable<void> call(Reply& reply) final;

 private:
    static void finish_items(const InflightCall& call, const Peer& peer, StreamEnd& end, std::unique_ptr<Reply> reply,
                             const std::exception_ptr& exception);
    static void finish_call(InflightCall& call, const Peer& peer);

    std::shared_ptr<StreamEnd> end_;
};

/// Accepts streams, within the limits.
class StreamHandler : public Handler {
 public:
    void handle(const Incoming& incoming) const final;

 protected:
    explicit StreamHandler(bool reads) noexcept : Handler(true), reads_(reads) {}

 private:
    /// Loads the value of the request that opens a stream. Throws if it does not load.
    virtual std::unique_ptr<ServedStream> load(const Incoming& incoming, const std::shared_ptr<StreamEnd>& end,
                                               Bytes value) const = 0;

    static void begin(const Incoming& incoming, const std::shared_ptr<StreamEnd>& end,
                      const std::shared_ptr<InflightCall>& call, wire::StreamCredit credit,
                      std::unique_ptr<ServedStream> served);

    const bool reads_;
};

template <class T>
using OneOrNone = std::conditional_t<std::is_void_v<T>, std::tuple<>, std::tuple<Stream<T>>>;
template <class T>
using WriterOrNone = std::conditional_t<std::is_void_v<T>, std::tuple<>, std::tuple<StreamWriter<T>>>;

/// The arguments of a stream's handler: the values, a `Stream` of incoming items, a `StreamWriter` unless the handler
/// yields the outgoing items or returns a result, and the extras.
template <class Shape, bool writes, class... Extras>
using StreamArguments =
    decltype(std::tuple_cat(std::declval<typename Shape::Values>(), std::declval<OneOrNone<typename Shape::In>>(),
                            std::declval<WriterOrNone<std::conditional_t<writes, typename Shape::Out, void>>>(),
                            std::declval<std::tuple<Extras&...>>()));

template <class F, class Arguments>
inline constexpr bool is_called_with = false;
template <class F, class... A>
inline constexpr bool is_called_with<F, std::tuple<A...>> = std::is_invocable_v<F&, A...>;

/// The extras that `F` takes under a shape, and whether it takes a writer. `Extras` is void if `F` fits no form.
template <class F, class Shape, class... Candidates>
struct StreamForm {
    using Extras = void;
    static constexpr bool writes = false;
};
template <class F, class Shape, class... E, class... More>
struct StreamForm<F, Shape, std::tuple<E...>, More...> : StreamForm<F, Shape, More...> {};
template <class F, class Shape, class... E, class... More>
    requires is_called_with<F, StreamArguments<Shape, false, E...>>
struct StreamForm<F, Shape, std::tuple<E...>, More...> {
    using Extras = std::tuple<E...>;
    static constexpr bool writes = false;
};
template <class F, class Shape, class... E, class... More>
    requires(!is_called_with<F, StreamArguments<Shape, false, E...>> &&
             is_called_with<F, StreamArguments<Shape, true, E...>>)
struct StreamForm<F, Shape, std::tuple<E...>, More...> {
    using Extras = std::tuple<E...>;
    static constexpr bool writes = true;
};

template <class F, class Shape, class S, bool writes, class Extras>
class TypedStreamHandler;

template <class F, class Shape, class S, bool writes, class... Extras>
class TypedStreamHandler<F, Shape, S, writes, std::tuple<Extras...>> final : public StreamHandler {
    using In = typename Shape::In;
    using Out = typename Shape::Out;
    using Result = typename Shape::Result;
    using Values = typename Shape::Values;

 public:
    TypedStreamHandler(F function, S serializer)
        : StreamHandler(!std::is_void_v<In>), function_(std::move(function)), serializer_(std::move(serializer)) {}

 private:
    class Served final : public ServedStream {
     public:
        Served(const TypedStreamHandler& handler, const Incoming& incoming, std::shared_ptr<StreamEnd> end,
               Values values)
            : ServedStream(incoming, std::move(end)),
              handler_(handler),
              values_(std::move(values)),
              extras_{Extras(incoming)...} {}

     private:
        asio::awaitable<void> call(std::unique_ptr<Reply>& reply) override { return run(*this, reply); }

        auto call_function() {
            const S& serializer = handler_.serializer_;
            OneOrNone<In> in;
            if constexpr (!std::is_void_v<In>) {
                in = std::tuple(StreamAccess::reader<In>(end(), serializer, peer()->max_loaded()));
            }
            const auto out = [&] {
                if constexpr (writes) {
                    return std::tuple(StreamAccess::writer<Out>(end(), serializer));
                } else {
                    return std::tuple();
                }
            }();
            const auto moved = [](auto&... value) { return std::forward_as_tuple(std::move(value)...); };
            const auto borrowed = [](auto&... extra) { return std::tie(extra...); };
            return std::apply(handler_.function_, std::tuple_cat(std::apply(moved, values_), std::move(in), out,
                                                                 std::apply(borrowed, extras_)));
        }

        // NOLINTNEXTLINE(*-reference-coroutine-parameters): the coroutine that awaits it owns both
        static asio::awaitable<void> run(Served& self, std::unique_ptr<Reply>& reply) {
            using Returned = decltype(self.call_function());
            if constexpr (is_stream<Returned>) {
                auto generator = StreamAccess::generator(self.call_function());
                if (generator) {
                    co_await generator.run(make_item_writer<Out>(self.end(), self.handler_.serializer_));
                }
            } else if constexpr (ResultOf<Returned>::is_coroutine) {
                auto coroutine = self.call_function();
                if constexpr (std::is_void_v<typename ResultOf<Returned>::type>) {
                    co_await std::move(coroutine);
                    self.set_nothing(reply);
                } else {
                    Result result = co_await std::move(coroutine);
                    self.set_result(reply, std::move(result));
                }
            } else if constexpr (std::is_void_v<Returned>) {
                self.call_function();
                self.set_nothing(reply);
            } else {
                Result result = self.call_function();
                self.set_result(reply, std::move(result));
            }
        }

        template <class Value>
        void set_result(std::unique_ptr<Reply>& reply, Value&& value) const {
            reply = std::make_unique<Reply>();
            reply->set_value(handler_.serializer_, std::forward<Value>(value));
        }
        void set_nothing(std::unique_ptr<Reply>& reply) const {
            if constexpr (std::is_void_v<Out>) {
                set_result(reply, Nothing{});
            }
        }

        const TypedStreamHandler& handler_;
        Values values_;
        std::tuple<Extras...> extras_;
    };

    std::unique_ptr<ServedStream> load(const Incoming& incoming, const std::shared_ptr<StreamEnd>& end,
                                       Bytes value) const override {
        constexpr std::size_t count = std::tuple_size_v<Values>;
        std::optional<Values> values;
        if constexpr (count == 0) {
            values.emplace();
        } else if constexpr (count == 1) {
            values.emplace(
                codec::load_from<std::tuple_element_t<0, Values>>(serializer_, value, incoming.backing_buffer));
        } else {
            values.emplace(codec::load_from<Values>(serializer_, value, incoming.backing_buffer));
        }
        base::LoadingFrom::end();
        return std::unique_ptr<ServedStream>(new Served(*this, incoming, end, *std::move(values)));
    }

    mutable F function_;
    [[no_unique_address]] S serializer_;
};

/// True if the serializer supports the type; otherwise the compiler's error names it.
template <class S, class T>
inline constexpr bool can_load = std::disjunction_v<std::is_void<T>, codec::MustLoad<S, T>>;
template <class S, class T>
inline constexpr bool can_dump = std::disjunction_v<std::is_void<T>, codec::MustDump<S, T>>;

template <class Shape, class F, class S>
std::shared_ptr<const Handler> make_stream_handler(F&& function, S serializer) {
    using D = std::decay_t<F>;
    using Form =
        StreamForm<D, Shape, std::tuple<>, std::tuple<Context>, std::tuple<RoutePeer<>>,
                   std::tuple<Context, RoutePeer<>>, std::tuple<SimplePeer<>>, std::tuple<Context, SimplePeer<>>>;
    using Extras = typename Form::Extras;
    static_assert(
        !std::is_void_v<Extras>,
        "communica: a handler of a stream takes its values, then a Stream<T> by value if items come in, then a "
        "StreamWriter<T> by value if it does not return a Stream<T>, then Context& and the peer that asks");
    static_assert(
        can_load<S, typename Shape::In> && can_dump<S, typename Shape::Out> && can_dump<S, typename Shape::Result>,
        "communica: the serializer does not serve this stream");
    if constexpr (!std::is_void_v<Extras>) {
        using Made =
            TypedStreamHandler<D, Shape, S, Form::writes, Extras>;  // not std::make_shared: see typed_handler.hpp
        return std::shared_ptr<const Handler>(
            static_cast<const Handler*>(new Made(std::forward<F>(function), std::move(serializer))));
    }
    return nullptr;
}

/// The shape of the stream that a handler's own signature serves, if it serves one.
template <class R, class InItem, class OutItem, class... V>
struct HandledShape {
    using In = InItem;
    using Out = std::conditional_t<std::is_void_v<OutItem>, ItemOfT<R>, OutItem>;
    using Result = std::conditional_t<std::is_void_v<Out>, typename ResultOf<R>::type, void>;
    using Values = std::tuple<std::remove_cvref_t<V>...>;
    static constexpr bool is_one = !std::is_void_v<In> || !std::is_void_v<Out>;
};

template <class T>
inline constexpr bool is_plain = !is_extra<T> && !is_stream<T>;
template <class T>
inline constexpr bool is_plain<StreamWriter<T>> = false;

template <class R, class In, class Out, class Values, class... A>
struct TakeApart;
template <class R, class In, class Out, class... V>
struct TakeApart<R, In, Out, std::tuple<V...>> : HandledShape<R, In, Out, V...> {};
template <class R, class In, class Out, class... V, class Next, class... Rest>
    requires is_plain<Next>
struct TakeApart<R, In, Out, std::tuple<V...>, Next, Rest...> : TakeApart<R, In, Out, std::tuple<V..., Next>, Rest...> {
};
template <class R, class In, class Out, class Values, class Next, class... Rest>
    requires is_extra<Next>
struct TakeApart<R, In, Out, Values, Next, Rest...> : TakeApart<R, In, Out, Values, Rest...> {};
template <class R, class In, class Out, class Values, class T, class... Rest>
struct TakeApart<R, In, Out, Values, Stream<T>, Rest...> : TakeApart<R, T, Out, Values, Rest...> {};
template <class R, class In, class Out, class Values, class T, class... Rest>
struct TakeApart<R, In, Out, Values, StreamWriter<T>, Rest...> : TakeApart<R, In, T, Values, Rest...> {};

template <class Function>
struct ShapeOfHandler;
template <class R, class... A>
struct ShapeOfHandler<std::function<R(A...)>> : TakeApart<R, void, void, std::tuple<>, A...> {};
template <class F>
using HandlerShape = ShapeOfHandler<decltype(std::function{std::declval<std::decay_t<F>&>()})>;

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_handler.ipp"
#endif
