// A user's callable as a handler: loads its value, calls it, answers with its result.
#pragma once

#include "../serializers/codec/tree.hpp"
#include "handler_traits.hpp"
#include "reply.hpp"
#include "worker.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace communica::peer {

/// Can `S` load what a handler takes, and dump what it gives? Does not compile if not, and says what.
template <class S, class Data, class Result>
struct MustServe : std::conjunction<std::disjunction<std::is_void<Data>, MustLoad<S, typename LoadedAs<Data>::type>>,
                                    std::disjunction<std::is_void<Result>, MustDump<S, Result>>> {};

/// May a handler take a borrowed `Data`, such as a span? It lasts as long as the message: not in a coroutine, and only
/// from a serializer that lends.
template <class S, class Data, class Returned>
consteval bool may_take() {
    if constexpr (is_borrowed<typename LoadedAs<Data>::type>) {
        return !std::is_reference_v<Data> && !ResultOf<Returned>::is_coroutine && Loads<S, Data>;
    } else {
        return true;
    }
}

/// `Data` is what is loaded (void for nothing), `Result` what is dumped, `Extras` what else the callable takes.
/// One callable serves all connections of its entity.
template <class F, class Data, class Result, class S, class Extras>
class TypedHandler;

template <class F, class Data, class Result, class S, class... Extras>
class TypedHandler<F, Data, Result, S, std::tuple<Extras...>> final : public Handler {
    static constexpr bool takes_data = !std::is_void_v<Data>;
    using Loaded = std::conditional_t<takes_data, Data, Nothing>;

    static decltype(auto) call(F& function, Loaded& data, Extras&... extras) {
        if constexpr (takes_data) {
            return function(std::move(data), extras...);
        } else {
            (void)data;
            return function(extras...);
        }
    }
    using Returned = decltype(call(std::declval<F&>(), std::declval<Loaded&>(), std::declval<Extras&>()...));

 public:
    TypedHandler(F function, S serializer) : function_(std::move(function)), serializer_(std::move(serializer)) {}

    void handle(const Incoming& incoming) const override {
        Reply reply;
        std::optional<Loaded> data;
        const std::size_t loaded = load(incoming, reply, data);
        if (data) {
            if (ResultOf<Returned>::is_coroutine || incoming.peer->handlers().interceptor()) {
                start(incoming, *std::move(data), loaded);
                return;
            }
            if constexpr (!ResultOf<Returned>::is_coroutine) {
                try {
                    std::tuple<Extras...> extras{Extras(incoming)...};
                    std::apply([&](auto&... extra) { call_now(reply, *data, extra...); }, extras);
                } catch (...) {
                    report(incoming, reply.set_handler_error(std::current_exception()));
                }
                take_apart(*data);
            }
        }
        answer(incoming, reply);
    }

 private:
    using ExtraArguments = std::tuple<Extras...>;

    /// Gives the bytes that the value has allocated, as far as the serializer says. No value if it does not load.
    std::size_t load(const Incoming& incoming, Reply& reply, std::optional<Loaded>& data) const {
        if constexpr (takes_data) {
            const std::size_t most = incoming.peer->max_loaded();
            const codec::Allowance allowance(most);
            try {
                if constexpr (LoadedAs<Data>::is_later) {
                    data.emplace(serializer_, incoming.body, incoming.memory, most);
                } else {
                    data.emplace(load_from<Loaded>(serializer_, incoming.body, incoming.memory));
                }
            } catch (...) {
                report(incoming, reply.set_load_error(std::current_exception()));
            }
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

    static void answer(const Incoming& incoming, Reply& reply, Purpose purpose = Purpose::answer) {
        if (incoming.metadata.wants_answer()) {
            incoming.peer->responder().answer(*incoming.connection, incoming.metadata.before_type,
                                              incoming.metadata.after_type, reply, purpose);
        }
    }

    static void report(const Incoming& incoming, const Error& error) {
        incoming.peer->handlers().report(
            {incoming.metadata.route.value_or(""), error, !incoming.metadata.wants_answer()});
    }

    void call_now(Reply& reply, Loaded& data, Extras&... extras) const {
        if constexpr (std::is_void_v<Result>) {
            call(function_, data, extras...);
            reply.set_value(serializer_, Nothing{});
        } else {
            Result result = call(function_, data, extras...);
            reply.set_value(serializer_, std::move(result));
        }
    }

    decltype(auto) call_with(auto& job) const {
        return std::apply([&](auto&... extra) -> decltype(auto) { return call(function_, job.data, extra...); },
                          job.extras);
    }

    /// What an interceptor makes necessary.
    struct Interception {
        explicit Interception(const Incoming& incoming) : context(incoming) {}

        Context context;
        std::vector<std::byte> lent;  // what borrowed data looks at
        bool has_run = false;
        std::exception_ptr thrown;  // by the handler
    };

    /// What a coroutine needs after the message that it came with is gone.
    struct Job {
        std::shared_ptr<Peer> peer;
        Loaded data;
        ExtraArguments extras;
        std::unique_ptr<Interception> interception = {};  // null if there is no interceptor
    };

    void start(const Incoming& incoming, Loaded&& data, std::size_t loaded) const {
        const std::size_t bytes = std::max(loaded, incoming.body.size());
        if (bytes > incoming.body.size()) {
            if (const auto refusal = incoming.peer->responder().refusal(*incoming.connection, bytes)) {
                Reply reply;
                reply.set_error(*refusal);
                report(incoming, *refusal);
                take_apart(data);
                return answer(incoming, reply, Purpose::refuse);
            }
        }
        auto worker = incoming.peer->responder().begin(incoming.connection, incoming.metadata, bytes, this);
        if (!worker.call) {
            return;
        }
        std::optional<Job> job;
        try {
            job = make_job(incoming, worker.call, std::move(data));
        } catch (...) {
            Reply reply;
            report(incoming, reply.set_handler_error(std::current_exception()));
            return incoming.peer->responder().finish(*worker.call, reply);
        }
        if (worker.resume) {
            worker.call.reset();  // its coroutine has it, and looks whether others do
            (*std::move(worker.resume))(&job);
        } else {
            auto coroutine = work(*this, worker.call, std::move(job));
            start_worker(std::move(worker.call), std::move(coroutine));
        }
    }

    std::optional<Job> make_job(const Incoming& incoming, std::shared_ptr<Call> call, Loaded&& data) const {
        const Incoming called{incoming.peer,  incoming.connection,  incoming.metadata,
                              incoming.body,  incoming.redelivered, nullptr,
                              std::move(call)};
        std::optional<Job> job(Job{incoming.peer, std::move(data), ExtraArguments{Extras(called)...}});
        if (incoming.peer->handlers().interceptor()) {
            job->interception = std::make_unique<Interception>(called);
            if constexpr (takes_data && is_borrowed<Data>) {  // the message is gone before the handler
                auto& lent = job->interception->lent;
                lent.assign(incoming.body.begin(), incoming.body.end());
                job->data = serializer_.template load<Loaded>(Bytes(lent));
            }
        }
        return job;
    }

    // The handler, and the interceptor, belong to the table that the job's peer holds, so they outlive the coroutines.
    // NOLINTBEGIN(*-reference-coroutine-parameters)

    /// Answers one call after another.
    static asio::awaitable<void> work(const TypedHandler& self, std::shared_ptr<Call> call, std::optional<Job> job) {
        for (;;) {
            {
                Reply reply;  // nothing of it stays where a worker waits
                try {
                    if (job->interception) {
                        co_await intercept(self, *job, reply);
                    } else if constexpr (ResultOf<Returned>::is_coroutine) {
                        auto coroutine = self.call_with(*job);
                        if constexpr (std::is_void_v<Result>) {
                            co_await std::move(coroutine);
                            reply.set_value(self.serializer_, Nothing{});
                        } else {
                            Result result = co_await std::move(coroutine);
                            reply.set_value(self.serializer_, std::move(result));
                        }
                    }
                } catch (...) {
                    const Error error = reply.set_handler_error(std::current_exception());
                    if (!call->is_cancelled()) {
                        job->peer->handlers().report({call->route(), error, !call->wants_answer});
                    }
                }
                end(*call, job, reply);
            }
            auto idle = place_to_wait(call);
            if (!idle) {
                co_return;
            }
            co_await asio::this_coro::reset_cancellation_state();  // the handler may have changed these
            co_await asio::this_coro::throw_if_cancelled(true);
            void* const next = co_await IdleWorkers::wait(std::move(idle), call, &self);
            job.emplace(*std::move(*static_cast<std::optional<Job>*>(next)));
        }
    }

    static void end(Call& call, std::optional<Job>& job, Reply& reply) {
        const auto peer = std::move(job->peer);
        take_apart(job->data);
        job.reset();
        peer->responder().finish(call, reply);
    }

    static asio::awaitable<void> intercept(const TypedHandler& self, Job& job, Reply& reply) {
        NextHandler next = [&] { return invoke(self, job, reply); };
        co_await job.peer->handlers().interceptor()(job.interception->context, std::move(next));
        if (!job.interception->has_run) {
            throw ResponderError("the handler was not called");
        }
        if (job.interception->thrown) {  // and the interceptor kept it to itself: there is nothing to answer with
            std::rethrow_exception(job.interception->thrown);
        }
    }

    static asio::awaitable<void> invoke(const TypedHandler& self, Job& job, Reply& reply) {
        if (std::exchange(job.interception->has_run, true)) {
            throw ResponderError("an interceptor called the handler twice: its value is gone");
        }
        try {
            co_await call_handler(self, job, reply);
        } catch (...) {
            job.interception->thrown = std::current_exception();
            throw;
        }
    }

    static asio::awaitable<void> call_handler(const TypedHandler& self, Job& job, Reply& reply) {
        if constexpr (!ResultOf<Returned>::is_coroutine) {
            std::apply([&](auto&... extra) { self.call_now(reply, job.data, extra...); }, job.extras);
            co_return;
        } else if constexpr (std::is_void_v<Result>) {
            auto coroutine = self.call_with(job);
            co_await std::move(coroutine);
            reply.set_value(self.serializer_, Nothing{});
        } else {
            auto coroutine = self.call_with(job);
            Result result = co_await std::move(coroutine);
            reply.set_value(self.serializer_, std::move(result));
        }
    }

    // NOLINTEND(*-reference-coroutine-parameters)

    mutable F function_;
    [[no_unique_address]] S serializer_;
};

using HandlerPtr = std::shared_ptr<const Handler>;

/// A handler of these types, if the serializer serves them; says in one line what is wrong if not.
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
            return std::make_shared<TypedHandler<std::decay_t<F>, Data, Result, S, Extras>>(std::forward<F>(function),
                                                                                            std::move(serializer));
        }
    }
    return nullptr;
}

/// A handler whose types stand in its signature.
template <class F, class S>
HandlerPtr make_handler(F&& function, S serializer) {
    static_assert(Deducible<F>,
                  "communica: the handler's argument type cannot be deduced (it is generic, overloaded or bound): name "
                  "its signature with communica::handler<R(A)>(f), or add it under a Route<R(A)>");
    if constexpr (Deducible<F>) {
        using Args = typename Signature<F>::Args;
        static_assert(Args::valid,
                      "communica: a handler takes at most one value, by value or const reference, and after it "
                      "Context& and the peer that asks, SimplePeer<>& or RoutePeer<>&");
        if constexpr (Args::valid) {
            using Returned = typename Signature<F>::Result;
            using Result = std::remove_cvref_t<typename ResultOf<Returned>::type>;
            return make_typed_handler<F, typename Args::Data, Result, typename Args::Extras, Returned>(
                std::forward<F>(function), std::move(serializer));
        }
    }
    return nullptr;
}

/// A handler whose types stand in its route.
template <class R, class Data, class F, class S>
HandlerPtr make_route_handler(F&& function, S serializer) {
    using D = std::decay_t<F>;
    using Taken = typename TakenUnder<F, Data>::type;
    using Extras = typename ExtrasOf<F, Taken>::type;
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
