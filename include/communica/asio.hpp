// The one place that knows which version of standalone Asio is in use.
#pragma once

#include "requirements.hpp"
#include "separate_compilation.hpp"

// Compiled with -fno-rtti: Asio wants to be told. Who includes Asio's headers before this one's defines it for the whole program.
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
// GCC 16 inlines a coroutine frame's operator delete, Asio's, and not its operator new, and takes the free in the one for
// none of the other. For whoever includes this before Asio's own headers.
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
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/recycling_allocator.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <utility>

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

/// What every operation of the library takes as its token when none is given.
using default_token = asio::use_awaitable_t<>;

/// Awaits an operation and gives its error as a value: `auto [error, n] = co_await op(no_throw);`
inline constexpr auto no_throw = as_tuple(asio::use_awaitable);

#if defined(ASIO_HAS_IOCP)
/// Windows' completion ports: the system takes each write as a whole, and says only at its end how it went.
inline constexpr bool writes_are_whole = true;
#else
/// Does the system take each write as a whole?
inline constexpr bool writes_are_whole = false;
#endif
/// Where progress would not show otherwise, so much is written at a time.
inline constexpr std::size_t largest_write = writes_are_whole ? 64 * 1024 : std::numeric_limits<std::size_t>::max();

/// What is posted and waited for besides messages. Of one type each: for every further type of handler a program
/// compiles some forty functions.
using Task = std::function<void()>;
/// The same for what is waited for, with how the wait ended.
using WaitTask = std::function<void(asio::error_code)>;

/// Posts what has to happen. Where there is no memory for it, once more: what the first attempt took is free again.
template <class Function>
void post_or_again(const asio::any_io_executor& executor, const Function& function) {
    try {
        asio::post(executor, Task(function));
    } catch (const std::bad_alloc&) {
        asio::post(executor, Task(function));
    }
}

/// What a user's callback threw is the executor's to deal with.
void rethrow_on(const asio::any_io_executor& executor, const std::exception_ptr& exception);

/// An executor, or an execution context that has one: what constructors take first, as Asio's objects do.
template <class T>
concept ExecutorSource = std::convertible_to<T, asio::any_io_executor> || requires(T& context) {
    { context.get_executor() } -> std::convertible_to<asio::any_io_executor>;
};

/// The executor itself, or that of a context.
template <ExecutorSource T>
asio::any_io_executor executor_of(T&& source) {
    if constexpr (std::convertible_to<T, asio::any_io_executor>) {
        return std::forward<T>(source);
    } else {
        return source.get_executor();
    }
}

/// A strand of its own on an executor. Over an io_context's own executor it knows that type: a hop through a strand of an
/// any_io_executor takes 160 ns, one through this 67.
class Strand {
 public:
    explicit Strand(const asio::any_io_executor& executor);

    /// The strand as an executor.
    const asio::any_io_executor& executor() const noexcept { return executor_; }

    /// Calls `function` now if this thread may, or later. Cheaper than through `executor()`, which knows no types.
    template <class Function>
    void execute(Function&& function) const {
        if (direct_) {
            direct_->execute(std::forward<Function>(function));
        } else {
            executor_.execute(std::forward<Function>(function));
        }
    }

 private:
    using Direct = asio::io_context::executor_type;

    asio::any_io_executor executor_;
    std::optional<asio::strand<Direct>> direct_;
};

/// The executor of handlers that keep the owner of a strand alive: as small as a pointer.
class StrandExecutor {
 public:
    explicit StrandExecutor(const Strand& strand) noexcept : strand_(&strand) {}

    /// Calls `function` on the strand, now or later.
    template <class Function>
    void execute(Function&& function) const {
        strand_->execute(std::forward<Function>(function));
    }
    /// For Asio: the context behind the strand.
    asio::execution_context& query(asio::execution::context_t) const {
        return asio::query(strand_->executor(), asio::execution::context);
    }
    bool operator==(const StrandExecutor&) const noexcept = default;

 private:
    const Strand* strand_;
};

/// A strand of its own on an executor, for those who need no cheaper way to it.
asio::any_io_executor make_strand_on(const asio::any_io_executor& executor);

/// Does this thread run that strand just now?
bool is_running_on(const asio::any_io_executor& strand);

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "asio.ipp"
#endif
