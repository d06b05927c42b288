// What a handler does that does not depend on its types: answers, reports failures, and runs as a coroutine.
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

/// Sends the answer of a handler that is done, if the request wants one.
void answer(const Incoming& incoming, Reply& reply, SendClass send_class = SendClass::response);

/// Tells the entity of a failure.
void report(const Incoming& incoming, const Error& error);

/// Makes an error of the exception that a coroutine at work has ended with, and tells the entity of it.
void fail(const InflightCall& call, const Peer& peer, Reply& reply, const std::exception_ptr& exception);

/// Registers a request whose value has allocated so many bytes, and takes the worker that is to answer it. No call if it
/// was refused, which is then answered, or if nothing may start any more.
Worker begin_work(const Incoming& incoming, std::size_t loaded, const void* handler);

/// The request once its coroutine has a call: for `Context`.
Incoming called(const Incoming& incoming, std::shared_ptr<const InflightCall> call);

/// Ends a call whose coroutine could not be made.
void give_up(const Incoming& incoming, InflightCall& call, const std::exception_ptr& exception);

/// Starts the coroutine of a worker that has none, at once, in this call.
void start_worker(std::shared_ptr<InflightCall> call, asio::awaitable<void> work);

/// Whether the worker of a call that has ended may wait for another, in the state of one that has just been started.
std::shared_ptr<IdleWorkers> place_to_wait(const std::shared_ptr<InflightCall>& call);

/// A handler that may be run under the entity's interceptor.
class Interceptable {
 public:
    Interceptable(const Interceptable&) = delete;
    Interceptable& operator=(const Interceptable&) = delete;
    virtual ~Interceptable() = default;

    const std::shared_ptr<Peer>& peer() const noexcept { return peer_; }

    /// Runs the interceptor, and in it the handler: once, and what it throws is thrown also where the interceptor keeps it to itself.
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

/// A call under an interceptor: a handler and the value that it is called with.
class InterceptedCall : public Interceptable {
 protected:
    using Interceptable::Interceptable;

    /// For a handler that is no coroutine: calls it when it is awaited.
    asio::awaitable<void> call_later(Reply& reply);

    /// Copies what a borrowed value looks at: its message is gone before the handler is called.
    Bytes keep(Bytes body);

 private:
    /// InflightCalls the handler, if it is no coroutine.
    virtual void call_now(Reply& reply) = 0;

    std::vector<std::byte> lent_;
};
using InterceptedCallPtr = std::unique_ptr<InterceptedCall>;

/// A handler that an interceptor may be wrapped around.
class InterceptedHandler : public Handler {
 protected:
    /// Answers the request by a coroutine that runs the interceptor. `data` is the value, which has allocated so many bytes; it
    /// is taken unless the request is refused.
    void start_intercepted(const Incoming& incoming, void* data, std::size_t loaded) const;

 private:
    virtual InterceptedCallPtr make_intercepted(const Incoming& incoming, void* data) const = 0;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "worker.ipp"
#endif
