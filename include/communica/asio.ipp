#pragma once

#include "asio.hpp"

#include <typeinfo>

namespace communica::base {

/// Returns the wrapped executor if it is a `T`, else null. Always null without RTTI; callers then use a slower path.
template <class T>
const T* target_of([[maybe_unused]] const asio::any_io_executor& executor) {
#if defined(__GXX_RTTI) || defined(_CPPRTTI)  // without, GCC refuses `typeid` also where it is discarded
    if constexpr (executors_tell_types) {
        const bool is_one = executor.target_type() == typeid(T);  // Asio 1.22's `target` does not check
        return is_one ? executor.template target<T>() : nullptr;
    }
#endif
    return nullptr;
}

COMMUNICA_INLINE void rethrow_on(const asio::any_io_executor& executor, const std::exception_ptr& exception) {
    asio::post(executor, Task([exception] { std::rethrow_exception(exception); }));
}

COMMUNICA_INLINE Strand::Strand(const asio::any_io_executor& executor) {
    if (const auto* const direct = target_of<Direct>(executor)) {
        executor_ = direct_.emplace(*direct);
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
    if (const auto* const on_context = target_of<OnContext>(strand)) {
        return on_context->running_in_this_thread();
    }
    const auto* const on_any = target_of<OnAny>(strand);
    return on_any != nullptr && on_any->running_in_this_thread();
}

}  // namespace communica::base
