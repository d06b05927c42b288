#pragma once

#include "worker.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE void answer(const Incoming& incoming, Reply& reply, SendClass send_class) {
    if (incoming.timer != nullptr) {
        incoming.timer->has_failed = reply.type != wire::MessageType::ok;
    }
    if (incoming.metadata.wants_answer()) {
        incoming.peer->responder().answer(*incoming.connection, incoming.metadata.before_type,
                                          incoming.metadata.after_type, reply, send_class);
    }
}

COMMUNICA_INLINE void report(const Incoming& incoming, const Error& error) {
    incoming.peer->handlers().report({incoming.metadata.route.value_or(""), error, kind_of(incoming.metadata)});
    if (incoming.ticket != nullptr) {
        incoming.ticket->fail();
    }
}

COMMUNICA_INLINE void refuse_value(const Incoming& incoming, Reply& reply, const std::exception_ptr& exception) {
    const std::string_view route = incoming.metadata.route.value_or("");
    report(incoming, reply.set_load_error(exception, incoming.peer->handlers().value_names(route)));
}

COMMUNICA_INLINE void fail(const InflightCall& call, const Peer& peer, Reply& reply,
                           const std::exception_ptr& exception) {
    const Error error = reply.set_handler_error(exception, peer.handlers().value_names(call.route()));
    if (!call.is_cancelled()) {
        const auto what = call.wants_answer ? Failure::What::request : Failure::What::notification;
        peer.handlers().report({call.route(), error, what});
    }
}

COMMUNICA_INLINE Worker begin_work(const Incoming& incoming, std::size_t loaded, const void* handler) {
    const std::size_t bytes = std::max(loaded, incoming.body.size());
    if (bytes > incoming.body.size()) {
        if (const auto refusal = incoming.peer->responder().refusal(*incoming.connection, bytes)) {
            Reply reply;
            reply.set_error(*refusal);
            report(incoming, *refusal);
            answer(incoming, reply, SendClass::rejection);
            return Worker(nullptr);
        }
    }
    Worker worker = incoming.peer->responder().begin(incoming.connection, incoming.metadata, bytes, handler);
    if (incoming.ticket != nullptr && worker.call) {
        worker.call->ticket = std::move(*incoming.ticket);
    }
    if (incoming.timer != nullptr && worker.call) {
        worker.call->timer = std::exchange(*incoming.timer, {});
    }
    return worker;
}

COMMUNICA_INLINE Incoming called(const Incoming& incoming, std::shared_ptr<const InflightCall> call) {
    return {incoming.peer, incoming.connection, incoming.metadata, incoming.body, incoming.redelivered,
            nullptr,       std::move(call)};
}

COMMUNICA_INLINE void give_up(const Incoming& incoming, InflightCall& call, const std::exception_ptr& exception) {
    Reply reply;
    report(incoming, reply.set_handler_error(exception));
    incoming.peer->responder().finish(call, reply);
}

// Asio may access the call's signal until the completion handler is called, which is after the coroutine's frame is
// destroyed. So the completion handler owns the call too.
COMMUNICA_INLINE void start_worker(std::shared_ptr<InflightCall> call, asio::awaitable<void> work) {
    const auto executor = call->connection->get_executor();
    const auto slot = call->signal.slot();
    asio::co_spawn(executor, std::move(work),
                   asio::bind_cancellation_slot(slot, [call = std::move(call)](const std::exception_ptr&) {}));
}

COMMUNICA_INLINE std::shared_ptr<IdleWorkers> place_to_wait(const std::shared_ptr<InflightCall>& call) {
    auto idle = call->idle.lock();
    return idle && idle->may_wait(call) ? std::move(idle) : nullptr;
}

// ---- under an interceptor

COMMUNICA_INLINE Interceptable::Interceptable(const Incoming& incoming) : peer_(incoming.peer), context_(incoming) {}

COMMUNICA_INLINE Bytes InterceptedCall::keep(Bytes body) {
    lent_.assign(body.begin(), body.end());
    return lent_;
}

// The coroutine that awaits these owns the reply.
// NOLINTBEGIN(*-reference-coroutine-parameters)

COMMUNICA_INLINE asio::awaitable<void> Interceptable::intercept(Reply& reply) {
    NextHandler next = [this, &reply] { return call_once(reply); };
    co_await peer_->handlers().interceptor()(context_, std::move(next));
    if (!has_run_) {
        throw ResponderError("the handler was not called");
    }
    if (thrown_) {  // and the interceptor has caught it: there is no other answer
        std::rethrow_exception(thrown_);
    }
}

COMMUNICA_INLINE asio::awaitable<void> Interceptable::call_once(Reply& reply) {
    if (std::exchange(has_run_, true)) {
        throw ResponderError("an interceptor called the handler twice: its value is gone");
    }
    try {
        co_await call(reply);
    } catch (...) {
        thrown_ = std::current_exception();
        throw;
    }
}

COMMUNICA_INLINE asio::awaitable<void> InterceptedCall::call_later(Reply& reply) {
    call_now(reply);
    co_return;
}

// NOLINTEND(*-reference-coroutine-parameters)

namespace detail {

/// Stands for the handler of workers that serve all calls under an interceptor.
inline constexpr char any_intercepted = 0;

/// Answers one call after another.
COMMUNICA_INLINE asio::awaitable<void> work_intercepted(std::shared_ptr<InflightCall> call,
                                                        InterceptedCallPtr intercepted) {
    for (;;) {
        {
            Reply reply;
            try {
                co_await intercepted->intercept(reply);
            } catch (...) {
                fail(*call, *intercepted->peer(), reply, std::current_exception());
            }
            const auto peer = intercepted->peer();
            intercepted.reset();
            peer->responder().finish(*call, reply);
        }
        auto idle = place_to_wait(call);
        if (!idle) {
            co_return;
        }
        co_await asio::this_coro::reset_cancellation_state();  // the handler may have changed both
        co_await asio::this_coro::throw_if_cancelled(true);
        void* const next = co_await IdleWorkers::wait(std::move(idle), call, &any_intercepted);
        intercepted = std::move(*static_cast<InterceptedCallPtr*>(next));
    }
}

}  // namespace detail

COMMUNICA_INLINE void InterceptedHandler::start_intercepted(const Incoming& incoming, void* data,
                                                            std::size_t loaded) const {
    Worker worker = begin_work(incoming, loaded, &detail::any_intercepted);
    if (!worker.call) {
        return;
    }
    InterceptedCallPtr intercepted;
    try {
        intercepted = make_intercepted(called(incoming, worker.call), data);
    } catch (...) {
        return give_up(incoming, *worker.call, std::current_exception());
    }
    if (worker.resume) {
        worker.call.reset();  // its coroutine owns the call, and checks for other owners
        (*std::move(worker.resume))(&intercepted);
    } else {
        auto coroutine = detail::work_intercepted(worker.call, std::move(intercepted));
        start_worker(std::move(worker.call), std::move(coroutine));
    }
}

}  // namespace communica::peer
