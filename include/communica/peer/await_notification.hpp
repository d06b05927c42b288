// `co_await notify(...)`: completes without suspending while the connection takes notifications.
#pragma once

#include "../asio.hpp"
#include "../separate_compilation.hpp"
#include "operation.hpp"

namespace communica::peer {

/// Sends a notification when it is awaited. Does not suspend the coroutine as long as `NotificationBurst` admits the
/// notification and the connection has room and credit for it.
asio::awaitable<void> await_notification(PreparedPtr request);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "await_notification.ipp"
#endif
