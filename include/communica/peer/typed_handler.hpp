// A user's callable as a handler: loads its value, calls it, and answers with its result.
#pragma once

#include "../serializers/codec/tree.hpp"
#include "handler_traits.hpp"
#include "reply.hpp"
#include "streams/stream_handler.hpp"
#include "worker.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// True if `S` can load the handler's values and dump its result; otherwise the compiler's error names the type.
template <class S, class Data, class Result>
struct MustServe
    : std::conjunction<std::disjunction<std::is_void<Data>, codec::MustLoad<S, typename LoadedAs<Data>::type>>,
                       std::disjunction<std::is_void<Result>, codec::MustDump<S, Result>>> {};

/// True if a handler may take a `Data`. A borrowed one, such as a span, is valid as long as the message: not in a
/// coroutine, and only from a serializer that lends.
template <class S, class Data, class Returned>
consteval bool may_take() {
    if constexpr (is_borrowed<typename LoadedAs<Data>::type>) {
        return !std::is_reference_v<Data> && !ResultOf<Returned>::is_coroutine && Loads<S, Data>;
    } else {
        return true;
    }
}

/// `Data` is the loaded type (void for none), `Result` the dumped type, `Extras` are the callable's further arguments.
/// One callable serves all connections of its entity.
template <class F, class Data, class Result, class S, class Extras>
class TypedHandler;

template <class F, class Data, class Result, class S, class... Extras>
class TypedHandler<F, Data, Result, S, std::tuple<Extras...>> final : public InterceptedHandler {
    static constexpr bool takes_data = !std::is_void_v<Data>;
    using Loaded = std::conditional_t<takes_data, typename HeldAs<Data>::type, Nothing>;

    static decltype(auto) call(F& function, Loaded& data, Extras&... extras) {
        if constexpr (!std::is_same_v<Loaded, Data> && takes_data) {
            return std::apply(
                [&](auto&... value) -> decltype(auto) { return function(std::move(value)..., extras...); }, data);
        } else if constexpr (takes_data) {
            return function(std::move(data), extras...);
        } else {
            (void)data;
            return function(extras...);
        }
    }
    using Returned = decltype(call(std::declval<F&>(), std::declval<Loaded&>(), std::declval<Extras&>()...));

 public:
    TypedHandler(F function, S serializer) : function_(std::move(function)), serializer_(std::move(serializer)) {}

    bool reads_shared() const noexcept override { return codec::ReadsShared<S>; }

    void handle(const Incoming& incoming) const override {
        Reply reply;
        std::optional<Loaded> data;
        const std::size_t loaded = load(incoming, reply, data);
        if (!data) {
            return answer(incoming, reply);
        }
        if (incoming.peer->handlers().interceptor()) {
            start_intercepted(incoming, &*data, loaded);
        } else if constexpr (is_coroutine) {
            start(incoming, *data, loaded);
        } else {
            try {
                std::tuple<Extras...> extras{Extras(incoming)...};
                call_now(reply, *data, extras);
            } catch (...) {
                report(incoming, reply.set_handler_error(std::current_exception()));
            }
            take_apart(*data);
            return answer(incoming, reply);
        }
        take_apart(*data);  // if it was not moved
    }

 private:
    static constexpr bool is_coroutine = ResultOf<Returned>::is_coroutine;
    using ExtraArguments = std::tuple<Extras...>;

    /// Returns the bytes that the value has allocated, as far as the serializer reports. `data` remains empty if the
    /// value does not load.
    std::size_t load(const Incoming& incoming, Reply& reply, std::optional<Loaded>& data) const {
        if constexpr (takes_data) {
            const std::size_t most = incoming.peer->max_loaded();
            const codec::Allowance allowance(most);
            try {
                if constexpr (LoadedAs<Data>::is_later) {
                    data.emplace(serializer_, incoming.body, incoming.backing_buffer, most);
                } else {
                    data.emplace(codec::load_from<Loaded>(serializer_, incoming.body, incoming.backing_buffer));
                }
            } catch (...) {
                refuse_value(incoming, reply, std::current_exception());
            }
            base::LoadingFrom::end();
            return allowance.used();
        } else {
            (void)incoming;
            (void)reply;
            data.emplace();
            return 0;
        }
    }

    static void take_apart([[maybe_unused]] Loaded& data) noexcept {
        if constexpr (std::is_same_v<Loaded, nlohmann::json>) {
            codec::take_apart(data);
        }
    }

    decltype(auto) call_with(Loaded& data, ExtraArguments& extras) const {
        return std::apply([&](auto&... extra) -> decltype(auto) { return call(function_, data, extra...); }, extras);
    }

    void call_now(Reply& reply, Loaded& data, ExtraArguments& extras) const {
        if constexpr (std::is_void_v<Result>) {
            call_with(data, extras);
            reply.set_value(serializer_, Nothing{});
        } else {
            Result result = call_with(data, extras);
            reply.set_value(serializer_, std::move(result));
        }
    }

    /// What a coroutine needs after its message is gone.
    struct Job {
        std::shared_ptr<Peer> peer;
        Loaded data;
        ExtraArguments extras;
    };

    void start(const Incoming& incoming, Loaded& data, std::size_t loaded) const {
        Worker worker = begin_work(incoming, loaded, this);
        if (!worker.call) {
            return;
        }
        std::optional<Job> job;
        try {
            const Incoming with_call = called(incoming, worker.call);
            job.emplace(Job{incoming.peer, std::move(data), ExtraArguments{Extras(with_call)...}});
        } catch (...) {
            return give_up(incoming, *worker.call, std::current_exception());
        }
        if (worker.resume) {
            worker.call.reset();  // its coroutine owns the call, and checks for other owners
            (*std::move(worker.resume))(&job);
        } else {
            auto coroutine = work(*this, worker.call, std::move(job));
            start_worker(std::move(worker.call), std::move(coroutine));
        }
    }

    // The handler belongs to the table that the job's peer holds, so it outlives the coroutines.
    // NOLINTBEGIN(*-reference-coroutine-parameters)

    /// Answers one call after another.
    static asio::awaitable<void> work(const TypedHandler& self, std::shared_ptr<InflightCall> call,
                                      std::optional<Job> job) {
        for (;;) {
            {
                Reply reply;  // destroyed before the worker waits
                try {
                    auto coroutine = self.call_with(job->data, job->extras);
                    if constexpr (std::is_void_v<Result>) {
                        co_await std::move(coroutine);
                        reply.set_value(self.serializer_, Nothing{});
                    } else {
                        Result result = co_await std::move(coroutine);
                        reply.set_value(self.serializer_, std::move(result));
                    }
                } catch (...) {
                    fail(*call, *job->peer, reply, std::current_exception());
                }
                end(*call, job, reply);
            }
            auto idle = place_to_wait(call);
            if (!idle) {
                co_return;
            }
            co_await asio::this_coro::reset_cancellation_state();  // the handler may have changed both
            co_await asio::this_coro::throw_if_cancelled(true);
            void* const next = co_await IdleWorkers::wait(std::move(idle), call, &self);
            job.emplace(*std::move(*static_cast<std::optional<Job>*>(next)));
        }
    }

    // NOLINTEND(*-reference-coroutine-parameters)

    static void end(InflightCall& call, std::optional<Job>& job, Reply& reply) {
        const auto peer = std::move(job->peer);
        take_apart(job->data);
        job.reset();
        peer->responder().finish(call, reply);
    }

    /// This handler and its value, called by an interceptor.
    class Intercepted final : public InterceptedCall {
     public:
        Intercepted(const TypedHandler& handler, const Incoming& incoming, Loaded&& data)
            : InterceptedCall(incoming), handler_(handler), data_(std::move(data)), extras_{Extras(incoming)...} {
            if constexpr (takes_data && is_borrowed<Data>) {
                data_ = handler.serializer_.template load<Loaded>(keep(incoming.body));
            }
        }
        Intercepted(const Intercepted&) = delete;
        Intercepted& operator=(const Intercepted&) = delete;
        ~Intercepted() override { take_apart(data_); }

     private:
        asio::awaitable<void> call(Reply& reply) override {
            if constexpr (is_coroutine) {
                return await(*this, reply);
            } else {
                return call_later(reply);
            }
        }

        void call_now(Reply& reply) override {
            if constexpr (!is_coroutine) {
                handler_.call_now(reply, data_, extras_);
            }
        }

        // NOLINTNEXTLINE(*-reference-coroutine-parameters): the coroutine that awaits it owns both
        static asio::awaitable<void> await(Intercepted& self, Reply& reply) {
            auto coroutine = self.handler_.call_with(self.data_, self.extras_);
            if constexpr (std::is_void_v<Result>) {
                co_await std::move(coroutine);
                reply.set_value(self.handler_.serializer_, Nothing{});
            } else {
                Result result = co_await std::move(coroutine);
                reply.set_value(self.handler_.serializer_, std::move(result));
            }
        }

        const TypedHandler& handler_;
        Loaded data_;
        ExtraArguments extras_;
    };

    InterceptedCallPtr make_intercepted(const Incoming& incoming, void* data) const override {
        return InterceptedCallPtr(new Intercepted(*this, incoming, std::move(*static_cast<Loaded*>(data))));
    }

    mutable F function_;
    [[no_unique_address]] S serializer_;
};

using HandlerPtr = std::shared_ptr<const Handler>;

/// Makes a handler of these types. If the serializer does not support them, a static_assert says so in one line.
template <class F, class Data, class Result, class Extras, class Returned, class S>
HandlerPtr make_typed_handler(F&& function, S serializer) {
    static_assert(
        may_take<S, Data, Returned>(),
        "communica: a handler's value is not borrowed: take std::string, ... (only BytesSerializer lends, and "
        "not to a coroutine)");
    if constexpr (may_take<S, Data, Returned>()) {
        using Served = MustServe<S, Data, Result>;
        static_assert(Served::value, "communica: the serializer does not serve this handler");
        if constexpr (Served::value) {
            // Not std::make_shared, which compiles forty functions for each further type.
            using Made = TypedHandler<std::decay_t<F>, Data, Result, S, Extras>;
            return HandlerPtr(static_cast<const Handler*>(new Made(std::forward<F>(function), std::move(serializer))));
        }
    }
    return nullptr;
}

/// Makes a handler of the types of its signature. `Own`: its serializer is its own, not its entity's.
template <bool Own = false, class F, class S>
HandlerPtr make_handler(F&& function, S serializer) {
    static_assert(Deducible<F>,
                  "communica: the handler's argument type cannot be deduced (it is generic, overloaded or bound): name "
                  "its signature with communica::with_signature<R(A)>(f), or add it under a Route<R(A)>");
    if constexpr (Deducible<F>) {
        using Args = typename Signature<F>::Args;
        if constexpr (HandlerShape<F>::is_one) {
            return make_stream_handler<HandlerShape<F>>(std::forward<F>(function), std::move(serializer));
        } else {
            static_assert(
                Args::valid,
                "communica: a handler takes its values first, each by value or const reference, and after them "
                "Context& and the peer that asks, SimplePeer<>& or RoutePeer<>&");
            static_assert(!Args::valid || Own || asks_back_in<S, typename Args::Extras>,
                          "communica: SimplePeer<>& and RoutePeer<>& ask back in JSON, and this entity speaks another "
                          "serializer: "
                          "name it, as in RoutePeer<MsgpackSerializer>&");
            if constexpr (Args::valid) {
                using Returned = typename Signature<F>::Result;
                using Result = std::remove_cvref_t<typename ResultOf<Returned>::type>;
                return make_typed_handler<F, typename Args::Data, Result, typename Args::Extras, Returned>(
                    std::forward<F>(function), std::move(serializer));
            }
        }
    }
    return nullptr;
}

/// Makes a handler of the types of its route.
template <class R, class Data, class F, class S>
HandlerPtr make_route_handler(F&& function, S serializer) {
    using D = std::decay_t<F>;
    using Taken = typename TakenUnder<F, Data>::type;
    using Extras = typename ExtrasOf<F, Taken, S>::type;
    static_assert(!std::is_void_v<Extras>, "communica: this handler cannot be called with the route's argument type");
    if constexpr (!std::is_void_v<Extras>) {
        using Returned = typename ResultWith<D, Taken, Extras>::type;
        using Result = typename ResultOf<Returned>::type;
        static_assert(std::is_void_v<R> || std::is_convertible_v<Result, R>,
                      "communica: this handler's result does not convert to the route's result type");
        if constexpr (std::is_void_v<R> || std::is_convertible_v<Result, R>) {
            return make_typed_handler<F, Taken, R, Extras, Returned>(std::forward<F>(function), std::move(serializer));
        }
    }
    return nullptr;
}

}  // namespace communica::peer
