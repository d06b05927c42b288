#pragma once

#include "connection.hpp"

namespace communica {

COMMUNICA_INLINE void Connection::start_coroutine(const asio::any_io_executor& executor, asio::awaitable<Error> reading,
                                                  std::shared_ptr<Receiver> receiver) {
    asio::co_spawn(executor, tell_end(std::move(reading), std::move(receiver)), asio::detached);
}

COMMUNICA_INLINE asio::awaitable<void> Connection::tell_end(asio::awaitable<Error> reading,
                                                            std::shared_ptr<Receiver> receiver) {
    Error why;
    try {
        why = co_await std::move(reading);
    } catch (...) {
        why = Error::from(std::current_exception());
    }
    receiver->on_end(std::move(why));
}

}  // namespace communica
