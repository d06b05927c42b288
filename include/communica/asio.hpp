// Adapts the library to standalone Asio or Boost.Asio, and to its version. No file outside of asio/ depends on them.
#pragma once

#include "requirements.hpp"
#include "separate_compilation.hpp"
#include "turn_scope.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include "asio/boost.hpp"
#else
#include "asio/standalone.hpp"
#endif
#include "asio/properties.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <typeinfo>
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

/// Posts `task`. Retries once after `std::bad_alloc`, because the failed attempt has freed its memory.
void post_or_again(const asio::any_io_executor& executor, const Task& task);

/// Returns after `time`. Throws `asio::error::operation_aborted` if it is cancelled.
asio::awaitable<void> wait_for(std::chrono::steady_clock::duration time);

/// Emits the signal on `executor`.
void emit_on(const asio::any_io_executor& executor, const std::shared_ptr<asio::cancellation_signal>& signal,
             asio::cancellation_type type);

template <class T>
struct SpawnSignature {
    using type = void(std::exception_ptr, T);
};
template <>
struct SpawnSignature<void> {
    using type = void(std::exception_ptr);
};

/// A handler of `co_spawn` that owns the signal by which the coroutine is cancelled. Null: it can't be.
template <class Handler>
class SpawnHandler {
 public:
    using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;
    using allocator_type = asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = asio::cancellation_slot;

    SpawnHandler(Handler&& handler, const asio::any_io_executor& executor,
                 std::shared_ptr<asio::cancellation_signal> signal)
        : handler_(std::move(handler)),
          executor_(asio::get_associated_executor(handler_, executor)),
          signal_(std::move(signal)) {}

    executor_type get_executor() const noexcept { return executor_; }
    allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler_); }
    cancellation_slot_type get_cancellation_slot() const noexcept {
        return signal_ ? signal_->slot() : asio::cancellation_slot();
    }

    template <class... T>
    void operator()(T&&... outcome) {
        std::move(handler_)(std::forward<T>(outcome)...);
    }

 private:
    Handler handler_;
    executor_type executor_;
    std::shared_ptr<asio::cancellation_signal> signal_;
};

/// `co_spawn` with a cancellation that may meet the end of the coroutine. That of Asio 1.22.2 to 1.28.1, and of Boost 1.81, keeps
/// a pointer to a signal that is gone by then, if `executor` is not the one that cancels.
template <class T, class Token>
auto spawn_on(const asio::any_io_executor& executor, asio::awaitable<T> coroutine, Token&& token) {
    return asio::async_initiate<Token, typename SpawnSignature<T>::type>(
        [executor](auto&& handler, asio::awaitable<T> work) {
            std::shared_ptr<asio::cancellation_signal> signal;
            if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
                signal = std::make_shared<asio::cancellation_signal>();
                slot.assign([executor, signal](asio::cancellation_type type) { emit_on(executor, signal, type); });
            }
            using Own = std::decay_t<decltype(handler)>;
            asio::co_spawn(
                executor, std::move(work),
                SpawnHandler<Own>(Own(std::forward<decltype(handler)>(handler)), executor, std::move(signal)));
        },
        token, std::move(coroutine));
}

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

/// A pointer-sized executor for a `Strand`, whose calls are turns (`TurnScope`). Its handlers must keep the owner of the strand
/// alive.
class StrandExecutor {
 public:
    explicit StrandExecutor(const Strand& strand) noexcept : strand_(&strand) {}

    /// Calls `function` on the strand, now or later.
    template <class Function>
    void execute(Function&& function) const {
        const TurnScope scope;
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
