// The interceptor of an entity's handlers.
#pragma once

#include "../asio.hpp"
#include "hook.hpp"

#include <functional>

namespace communica {

class Context;

/// Runs the handler, and throws its exception. May be called once.
using NextHandler = std::function<asio::awaitable<void>()>;
/// Called in place of each handler, whose value is already loaded. It may measure, log or check the requester, and
/// awaits `next()`. Its exception is answered as if the handler had thrown it. With an interceptor, every handler runs
/// as a coroutine. An exception of `next()` is answered even if the interceptor catches it, because there is no other
/// answer.
///
///     options.interceptor = [](communica::Context& context, communica::NextHandler next) -> asio::awaitable<void> {
///         if (!context.header("token")) throw communica::RequesterError("who are you?", 401);
///         co_await next();
///     };
using Interceptor = Hook<asio::awaitable<void>(Context&, NextHandler)>;

}  // namespace communica
