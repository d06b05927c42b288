// A coroutine that yields the items of a stream.
#pragma once

#include "../../asio.hpp"
#include "stream_end.hpp"
#include "waiters.hpp"
#include "writer.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace communica {
template <class T>
class Stream;
}

namespace communica::peer {

template <class T>
class Generator;

/// Awaited by a generator. `ThisStream` gives the stream that it serves. `Notice` waits for a `StreamEnd::notify` of
/// it, and throws at the end of the stream.
struct ThisStream {};
struct Notice {};

/// The promise of a handler that returns a `Stream<T>`. Runs on its connection's executor, from `Generator::run` on.
///
/// The coroutine that awaits `run` owns this one. While this one is suspended, the operation that it awaits owns the
/// completion handler of `run`. So when an execution context is destroyed, and its operations with it, both coroutines
/// are destroyed.
template <class T>
class GeneratorPromise {
    using Handle = std::coroutine_handle<GeneratorPromise>;
    using Done = asio::async_result<asio::use_awaitable_t<>, void(std::exception_ptr)>::handler_type;

 public:
    Stream<T> get_return_object();
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept {
        struct Tell {
            bool await_ready() const noexcept { return false; }
            // NOLINTNEXTLINE(bugprone-exception-escape): out of memory terminates
            void await_suspend(Handle handle) const noexcept { handle.promise().tell_done(); }
            void await_resume() const noexcept {}
        };
        return Tell{};
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    // ---- co_yield

    auto yield_value(const T& item) { return Wait(*this, StreamEnd::For::writing, writer_->write(item)); }
    auto yield_value(const EncodedItem<T>& item) { return Wait(*this, StreamEnd::For::writing, writer_->write(item)); }

    // ---- co_await

    template <class U>
    auto await_transform(asio::awaitable<U> awaitable) {
        if (is_cancelled_) {
            throw std::system_error(make_error_code(asio::error::operation_aborted));
        }
        struct Await {
            bool await_ready() const noexcept { return false; }
            bool await_suspend(Handle handle) {
                GeneratorPromise& promise = handle.promise();
                asio::co_spawn(promise.executor(), std::move(awaitable),
                               asio::bind_cancellation_slot(
                                   promise.signal_.slot(),
                                   asio::bind_executor(promise.executor(),
                                                       Resume{this, &promise, std::exchange(promise.done_, nullptr)})));
                is_suspended = !is_done;
                return is_suspended;
            }
            U await_resume() {
                if (exception) {
                    std::rethrow_exception(exception);
                }
                if constexpr (!std::is_void_v<U>) {
                    return *std::move(value);
                }
            }

            using Value = std::conditional_t<std::is_void_v<U>, bool, U>;
            struct Resume {
                void operator()(const std::exception_ptr& e, Value result = {}) const {
                    await->exception = e;
                    if (!e) {
                        await->value.emplace(std::move(result));
                    }
                    await->is_done = true;
                    if (await->is_suspended) {
                        promise->resume(done);
                    } else {
                        promise->done_ = done;
                    }
                }
                Await* await;
                GeneratorPromise* promise;
                std::shared_ptr<Done> done;
            };

            asio::awaitable<U> awaitable;
            std::exception_ptr exception = nullptr;
            std::optional<Value> value = std::nullopt;
            bool is_done = false;
            bool is_suspended = false;
        };
        return Await{std::move(awaitable)};
    }

    auto await_transform(asio::this_coro::executor_t) const noexcept { return Ready{executor()}; }
    auto await_transform(ThisStream) const noexcept { return Ready{writer_->end()}; }
    auto await_transform(Notice) noexcept { return Wait(*this, StreamEnd::For::notice, true); }

 private:
    friend Generator<T>;

    template <class Value>
    struct Ready {
        bool await_ready() const noexcept { return true; }
        void await_suspend(Handle) const noexcept {}
        Value await_resume() const noexcept { return value; }
        Value value;
    };

    /// Waits on the stream itself.
    struct Wait : StreamWaiter {
        Wait(GeneratorPromise& p, StreamEnd::For w, bool waits) : promise(p), what(w), has_to_wait(waits) {}
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;
        ~Wait() {
            if (is_waiting) {
                promise.end().take_waiter(number);
            }
        }

        bool await_ready() const noexcept { return !has_to_wait; }
        bool await_suspend(Handle) {
            number = promise.end().next_waiter();
            is_waiting = true;  // set before another thread may wake it
            if (promise.end().wait(what, *this)) {
                return true;
            }
            is_waiting = false;
            return false;
        }
        void await_resume() const {
            if (what == StreamEnd::For::notice && promise.end().has_ended()) {
                std::rethrow_exception(promise.end().write_failure().to_exception());
            }
        }

        void wake(asio::error_code) override {
            is_waiting = false;
            asio::post(promise.executor(),
                       base::Task([p = &promise, done = std::exchange(promise.done_, nullptr)] { p->resume(done); }));
        }
        void destroy() noexcept override {
            is_waiting = false;
            const auto done = std::exchange(promise.done_, nullptr);  // destroys the coroutine and this object
        }

        GeneratorPromise& promise;
        StreamEnd::For what;
        bool has_to_wait;
        bool is_waiting = false;
    };

    StreamEnd& end() const noexcept { return *writer_->end(); }
    const asio::any_io_executor& executor() const noexcept { return end().executor(); }

    void begin(std::shared_ptr<const ItemWriter<T>> writer, Done&& done) {
        writer_ = std::move(writer);
        auto slot = asio::get_associated_cancellation_slot(done);
        done_ = std::make_shared<Done>(std::move(done));
        if (slot.is_connected()) {
            slot.assign([this](asio::cancellation_type type) {
                is_cancelled_ = true;
                const auto keep = writer_;
                end().cancel({errc::closed, "the handler was cancelled"});
                signal_.emit(type);
            });
        }
        Handle::from_promise(*this).resume();
    }

    void resume(const std::shared_ptr<Done>& done) {
        done_ = done;
        Handle::from_promise(*this).resume();
    }

    /// Posted, because the completion destroys the coroutine.
    void tell_done() {
        asio::get_associated_cancellation_slot(*done_).clear();
        asio::post(executor(), base::Task([done = std::exchange(done_, nullptr), exception = exception_] {
                       std::move (*done)(exception);
                   }));
    }

    std::shared_ptr<const ItemWriter<T>> writer_;
    std::shared_ptr<Done> done_;
    asio::cancellation_signal signal_;
    std::exception_ptr exception_;
    bool is_cancelled_ = false;
};

/// Owns the coroutine.
template <class T>
class Generator {
    using Promise = GeneratorPromise<T>;
    using Handle = std::coroutine_handle<Promise>;

 public:
    Generator() noexcept = default;
    explicit Generator(Promise& promise) noexcept : handle_(Handle::from_promise(promise)) {}
    Generator(Generator&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Generator& operator=(Generator&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Generator() {
        if (handle_) {
            handle_.destroy();
        }
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /// Runs the coroutine to its end, and throws its exception. Cancellation cancels the stream and the operation that
    /// the coroutine awaits.
    asio::awaitable<void> run(std::shared_ptr<const ItemWriter<T>> writer) {
        return asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
            Begin{handle_}, asio::use_awaitable, std::move(writer));
    }

 private:
    struct Begin {
        template <class Done>
        void operator()(Done&& done, std::shared_ptr<const ItemWriter<T>>&& writer) const {
            handle.promise().begin(std::move(writer), std::forward<Done>(done));
        }
        Handle handle;
    };

    Handle handle_ = nullptr;
};

}  // namespace communica::peer
