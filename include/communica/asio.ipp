#pragma once

#include "asio.hpp"

#include <typeinfo>

namespace communica {

COMMUNICA_INLINE void rethrow_on(const asio::any_io_executor& executor, const std::exception_ptr& exception) {
    asio::post(executor, Task([exception] { std::rethrow_exception(exception); }));
}

COMMUNICA_INLINE Strand::Strand(const asio::any_io_executor& executor) {
    if (executor.target_type() == typeid(Direct)) {  // Asio 1.22's `target` does not look
        executor_ = direct_.emplace(*executor.target<Direct>());
    } else {
        executor_ = asio::make_strand(executor);
    }
}

COMMUNICA_INLINE asio::any_io_executor make_strand_on(const asio::any_io_executor& executor) {
    return Strand(executor).executor();
}

COMMUNICA_INLINE bool is_running_on(const asio::any_io_executor& strand) {
    using OnContext = asio::strand<asio::io_context::executor_type>;
    using OnAny = asio::strand<asio::any_io_executor>;
    if (strand.target_type() == typeid(OnContext)) {
        return strand.target<OnContext>()->running_in_this_thread();
    }
    return strand.target_type() == typeid(OnAny) && strand.target<OnAny>()->running_in_this_thread();
}

}  // namespace communica
