// Adapts the library to standalone Asio or Boost.Asio, and to its version. No file outside of asio/ depends on them.
#pragma once

#include "requirements.hpp"
#include "separate_compilation.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include "asio/boost.hpp"
#else
#include "asio/standalone.hpp"
#endif
#include "asio/properties.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

namespace communica {

/// The default completion token of every operation.
using default_token = asio::use_awaitable_t<>;

/// A token that awaits an operation and returns its error as a value: `auto [error, n] = co_await op(no_throw);`
inline constexpr auto no_throw = as_tuple(asio::use_awaitable);

/// Throws the error of an operation that was awaited with `no_throw`, if it failed.
template <class... T>
void throw_error(const std::tuple<asio::error_code, T...>& result) {
    if (const asio::error_code error = std::get<0>(result)) {
        throw std::system_error(error);
    }
}

namespace base {

/// Maximum bytes of one write: 64 KiB where writes show no partial progress, else unlimited.
inline constexpr std::size_t largest_write = writes_are_whole ? 64 * 1024 : std::numeric_limits<std::size_t>::max();

/// The handler type of posted tasks. All share one type: each further handler type adds some forty compiled functions.
using Task = std::function<void()>;
/// The handler type of timer waits.
using WaitTask = std::function<void(asio::error_code)>;

/// Posts `function`. Retries once after `std::bad_alloc`, because the failed attempt has freed its memory.
template <class Function>
void post_or_again(const asio::any_io_executor& executor, const Function& function) {
    try {
        asio::post(executor, Task(function));
    } catch (const std::bad_alloc&) {
        asio::post(executor, Task(function));
    }
}

/// Posts a task to `executor` that rethrows the exception of a user's callback.
void rethrow_on(const asio::any_io_executor& executor, const std::exception_ptr& exception);

}  // namespace base

/// An executor or an execution context: the first constructor argument, as in Asio.
template <class T>
concept ExecutorSource = std::convertible_to<T, asio::any_io_executor> || requires(T& context) {
    { context.get_executor() } -> std::convertible_to<asio::any_io_executor>;
};

/// Returns the executor itself, or that of a context.
template <ExecutorSource T>
asio::any_io_executor executor_of(T&& source) {
    if constexpr (std::convertible_to<T, asio::any_io_executor>) {
        return std::forward<T>(source);
    } else {
        return source.get_executor();
    }
}

namespace base {

/// A strand on an executor. It keeps the concrete type of an `io_context` executor: a hop then takes 67 ns, and 160 ns
/// through a strand of `any_io_executor`.
class Strand {
 public:
    explicit Strand(const asio::any_io_executor& executor);

    /// The strand as a type-erased executor.
    const asio::any_io_executor& executor() const noexcept { return executor_; }

    /// Calls `function` on the strand: now if this thread runs it, else later. Cheaper than through `executor()`.
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

/// A pointer-sized executor for a `Strand`. Its handlers must keep the owner of the strand alive.
class StrandExecutor {
 public:
    explicit StrandExecutor(const Strand& strand) noexcept : strand_(&strand) {}

    /// Calls `function` on the strand, now or later.
    template <class Function>
    void execute(Function&& function) const {
        strand_->execute(std::forward<Function>(function));
    }
    /// The execution context of the strand. Asio calls it.
    asio::execution_context& query(asio::execution::context_t) const {
        return asio::query(strand_->executor(), asio::execution::context);
    }
    bool operator==(const StrandExecutor&) const noexcept = default;

 private:
    const Strand* strand_;
};

/// Returns a new type-erased strand on `executor`.
asio::any_io_executor make_strand_on(const asio::any_io_executor& executor);

/// Returns true if this thread is running `strand`. Always false without RTTI.
bool is_running_on(const asio::any_io_executor& strand);

}  // namespace base

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "asio.ipp"
#endif
