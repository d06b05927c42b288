// Standalone Asio, the default.
#pragma once

// Asio needs this macro with -fno-rtti. A program that includes Asio before this header must define it globally.
#if !defined(__GXX_RTTI) && !defined(_CPPRTTI) && !defined(ASIO_NO_TYPEID)
#define ASIO_NO_TYPEID
#endif

#include <asio/version.hpp>

#if ASIO_VERSION < 102201
#error "communica needs standalone Asio 1.22.1 or newer"
#endif

#include <asio/detail/config.hpp>

#if !defined(ASIO_HAS_CO_AWAIT)
#error \
    "Asio has coroutines turned off here: compile as C++20, and with Clang and an Asio before 1.26 define ASIO_HAS_CO_AWAIT=1 (the CMake target communica::communica does it)"
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
// GCC 16 inlines Asio's operator delete of a coroutine frame but not its operator new, and reports a mismatch. Applies
// to programs that include this header before Asio's.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/query.hpp>
#include <asio/recycling_allocator.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/system_executor.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#if ASIO_VERSION < 102400
#include <asio/experimental/as_tuple.hpp>
#else
#include <asio/as_tuple.hpp>
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace communica {

#if ASIO_VERSION < 102400
using asio::experimental::as_tuple;
#else
using asio::as_tuple;
#endif

namespace base {

/// Calls `function`. With Boost.Asio it converts exceptions to `std::system_error`.
template <class Function>
decltype(auto) with_standard_errors(const Function& function) {
    return function();
}

/// The same for the exceptions of a coroutine.
template <class T>
asio::awaitable<T> with_standard_errors(asio::awaitable<T> coroutine) {
    return coroutine;
}

#if defined(__ELF__)
/// The layout of classes depends on the flavour of Asio. In boost.hpp this variable is thread-local, so GNU ld rejects a
/// program that mixes both.
[[gnu::used]] inline char a_program_has_one_asio = 0;
#elif defined(_MSC_VER)
#pragma detect_mismatch("communica's Asio", "standalone")
#endif

}  // namespace base

}  // namespace communica
