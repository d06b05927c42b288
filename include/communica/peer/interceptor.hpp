// What is wrapped around every handler of an entity.
#pragma once

#include "../asio.hpp"

#include <functional>

namespace communica {

class Context;

/// Called in place of each handler, whose value is loaded by then: measures, logs, checks who asks, and awaits `next()`,
/// which runs the handler and throws what it throws. What the interceptor throws is answered as if the handler had.
/// Handlers under an interceptor are all run as coroutines. `next()` may be called once; what it throws is answered also where
/// the interceptor keeps it to itself, as there is no other answer.
///
///     options.interceptor = [](communica::Context& context, communica::NextHandler next) -> asio::awaitable<void> {
///         if (!context.header("token")) throw communica::RequesterError("who are you?", 401);
///         co_await next();
///     };
using NextHandler = std::function<asio::awaitable<void>()>;
/// Called around every handler: awaits `next()`, or throws in its place.
using Interceptor = std::function<asio::awaitable<void>(Context&, NextHandler)>;

}  // namespace communica
