// The parts of a handler that do not depend on its types: answering, reporting failures, and running coroutines.
#pragma once

#include "../asio.hpp"
#include "../separate_compilation.hpp"
#include "context.hpp"
#include "idle_workers.hpp"
#include "interceptor.hpp"
#include "peer.hpp"
#include "reply.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <vector>

namespace communica::peer {

/// Sends the answer of a handler that has ended, if the requester expects one.
void answer(const Incoming& incoming, Reply& reply, SendClass send_class = SendClass::response);

/// Reports a failure to the entity.
void report(const Incoming& incoming, const Error& error);

/// Answers that the request's value could not be loaded, and reports it.
void refuse_value(const Incoming& incoming, Reply& reply, const std::exception_ptr& exception);

/// Makes an error reply of the exception of a coroutine. Reports it to the entity, unless the call was cancelled.
void fail(const InflightCall& call, const Peer& peer, Reply& reply, const std::exception_ptr& exception);

/// Registers a request whose value has allocated `loaded` bytes, and returns the worker that answers it. The worker has
/// no call if the request was refused, which is answered here, or after the entity has closed.
Worker begin_work(const Incoming& incoming, std::size_t loaded, const void* handler);

/// Returns the request with its coroutine's call, for `Context`.
Incoming called(const Incoming& incoming, std::shared_ptr<const InflightCall> call);

/// Ends a call whose coroutine could not be made.
void give_up(const Incoming& incoming, InflightCall& call, const std::exception_ptr& exception);

/// Starts the coroutine of a worker that has none, at once, in this call.
void start_worker(std::shared_ptr<InflightCall> call, asio::awaitable<void> work);

/// Returns where the worker of a call that has ended may wait for another, in the state of a new worker; null if it may
/// not.
std::shared_ptr<IdleWorkers> place_to_wait(const std::shared_ptr<InflightCall>& call);

/// The call of a handler that may run under the entity's interceptor.
class Interceptable {
 public:
    Interceptable(const Interceptable&) = delete;
    Interceptable& operator=(const Interceptable&) = delete;
    virtual ~Interceptable() = default;

    const std::shared_ptr<Peer>& peer() const noexcept { return peer_; }

    /// Runs the interceptor, and in it the handler, once. Throws the handler's exception also if the interceptor has
    /// caught it.
    asio::awaitable<void> intercept(Reply& reply);

 protected:
    explicit Interceptable(const Incoming& incoming);

    /// Runs the handler.
    virtual asio::awaitable<void> call(Reply& reply) = 0;

 private:
    asio::awaitable<void> call_once(Reply& reply);

    std::shared_ptr<Peer> peer_;
    Context context_;
    bool has_run_ = false;
    std::exception_ptr thrown_;  // by the handler
};

/// A call under an interceptor: a handler and its value.
class InterceptedCall : public Interceptable {
 protected:
    using Interceptable::Interceptable;

    /// For a handler that is not a coroutine: calls it when this is awaited.
    asio::awaitable<void> call_later(Reply& reply);

    /// Copies the bytes of a borrowed value, because its message is gone before the handler is called.
    Bytes keep(Bytes body);

 private:
    /// Calls the handler, if it is not a coroutine.
    virtual void call_now(Reply& reply) = 0;

    std::vector<std::byte> lent_;
};
using InterceptedCallPtr = std::unique_ptr<InterceptedCall>;

/// A handler that supports an interceptor.
class InterceptedHandler : public Handler {
 protected:
    /// Answers the request with a coroutine that runs the interceptor. `data` is the value, which has allocated
    /// `loaded` bytes. It is taken unless the request is refused.
    void start_intercepted(const Incoming& incoming, void* data, std::size_t loaded) const;

 private:
    virtual InterceptedCallPtr make_intercepted(const Incoming& incoming, void* data) const = 0;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "worker.ipp"
#endif
