// A request or notification as an Asio operation: started with any token, completed once.
#pragma once

#include "../asio.hpp"
#include "../error.hpp"
#include "../serializers/serializer.hpp"
#include "cancel.hpp"
#include "completion.hpp"
#include "requester_resolver.hpp"
#include "watched_operation.hpp"

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// Loads the answer as `T` and passes it to the handler on the handler's executor. Allocated by the handler's
/// associated allocator, by default the one of Asio's own operations. The memory is freed before the handler is called.
template <class T, class Completion, class S, class Handler>
class RequestOperation final : public Operation {
    using Executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
    using Recycling = asio::recycling_allocator<void>;
    using Allocator = typename std::allocator_traits<
        asio::associated_allocator_t<Handler, Recycling>>::template rebind_alloc<RequestOperation>;

    static Allocator allocator_of(const Handler& handler) {
        return Allocator(asio::get_associated_allocator(handler, Recycling()));
    }

 public:
    /// Takes the handler, unless it throws.
    static OperationPtr make(Handler& handler, const S& serializer, const asio::any_io_executor& inner,
                             bool notification) {
        Allocator allocator = allocator_of(handler);
        RequestOperation* memory = std::allocator_traits<Allocator>::allocate(allocator, 1);
        return OperationPtr(new (memory) RequestOperation(std::move(handler), serializer, inner, notification));
    }

    /// Fails a request for which there was no memory.
    static void fail_unmade(Handler&& handler, const asio::any_io_executor& inner, const Error& error) {
        const auto executor = asio::get_associated_executor(handler, inner);
        asio::post(executor, BoundCompletion{Completion(error), std::move(handler)});
    }

    RequestOperation(Handler&& handler, const S& serializer, const asio::any_io_executor& inner, bool notification)
        : handler_(std::move(handler)), serializer_(serializer), inner_(inner), notification_(notification) {
        auto executor = asio::get_associated_executor(handler_, inner_);
        if (!is_inner(executor)) {
            work_.emplace(executor);
        }
    }

    bool is_notification() const noexcept override { return notification_; }

    void succeed(const Answer& answer, CompletionMode mode) override {
        const Allocator allocator = allocator_of(handler_);
        BoundCompletion call{load(answer), std::move(handler_)};
        finish(mode, call, allocator);
    }
    void fail(Error error, CompletionMode mode) override {
        const Allocator allocator = allocator_of(handler_);
        BoundCompletion call{Completion(std::move(error)), std::move(handler_)};
        finish(mode, call, allocator);
    }

 private:
    bool is_inner(const Executor& executor) const noexcept {
        if constexpr (std::is_same_v<Executor, asio::any_io_executor>) {
            return executor == inner_;
        } else {
            return false;
        }
    }

    Completion load(const Answer& answer) const {
        if constexpr (std::is_void_v<T>) {
            (void)answer;
            return Completion();
        } else {
            const codec::Allowance allowance(answer.max_loaded);
            try {
                return Completion(codec::load_from<T>(serializer_, answer.body, answer.backing_buffer));
            } catch (...) {
                return Completion(Error::of_serializer(std::current_exception()));
            }
        }
    }

    /// One type for values and errors: for each further type that an executor receives, Asio compiles twenty functions.
    struct BoundCompletion {
        Completion completion;
        Handler handler;

        void operator()() { completion.give_to(std::move(handler)); }
    };

    void finish(CompletionMode mode, BoundCompletion& call, const Allocator& allocator) {
        const asio::any_io_executor inner(std::move(inner_));
        const auto work = std::move(work_);
        free(allocator);
        if (mode == CompletionMode::dispatch && !work) {
            complete_here(inner, call);
            return;
        }
        const auto executor = asio::get_associated_executor(call.handler, inner);
        if (mode == CompletionMode::dispatch) {
            asio::dispatch(executor, Guarded{std::move(call), executor});
        } else {
            asio::post(executor, std::move(call));
        }
    }

    /// May be called at once, while an answer is dispatched. The handler's exception is rethrown on its executor.
    struct Guarded {
        BoundCompletion call;
        Executor executor;

        void operator()() {
            try {
                call();
            } catch (...) {
                asio::post(executor, base::Task([e = std::current_exception()] { std::rethrow_exception(e); }));
            }
        }
    };

    /// Called on the handler's executor. The handler's exception is rethrown there, not in the connection.
    static void complete_here(const asio::any_io_executor& inner, BoundCompletion& call) {
        try {
            call();
        } catch (...) {
            base::rethrow_on(inner, std::current_exception());
        }
    }

    void destroy() noexcept override { free(allocator_of(handler_)); }

    /// `allocator` has to be obtained before the handler is moved.
    void free(Allocator allocator) noexcept {
        this->~RequestOperation();
        std::allocator_traits<Allocator>::deallocate(allocator, this, 1);
    }

    Handler handler_;
    [[no_unique_address]] S serializer_;
    asio::any_io_executor inner_;
    std::optional<asio::executor_work_guard<Executor>> work_;  // for a handler with another executor
    bool notification_;
};

/// A request ready to start, or the error of its value.
struct Prepared {
    // The constructor avoids value-initialisation, which would zero all members first, including the bytes of
    // the body's buffer.
    Prepared(std::shared_ptr<Requester> to, std::shared_ptr<RequesterResolver> finder) noexcept
        : requester(std::move(to)), source(std::move(finder)) {}

    std::shared_ptr<Requester> requester;
    std::shared_ptr<RequesterResolver> source;  ///< finds the requester when the request starts, if that is null
    Outgoing outgoing;
    std::optional<Error> error;
};

struct FreePrepared {
    void operator()(Prepared* request) const noexcept {
        request->~Prepared();
        asio::recycling_allocator<Prepared>().deallocate(request, 1);
    }
};
/// Passed by pointer, because Asio moves the arguments of an initiation four times.
using PreparedPtr = std::unique_ptr<Prepared, FreePrepared>;

inline PreparedPtr prepare(std::shared_ptr<Requester> requester, std::shared_ptr<RequesterResolver> source) {
    return PreparedPtr(new (asio::recycling_allocator<Prepared>().allocate(1))
                           Prepared(std::move(requester), std::move(source)));
}

/// Calls the interceptor, and wraps the operation to report its end. An exception of the interceptor becomes the
/// request's error.
inline OperationPtr intercept(const Requester& requester, Prepared& request, OperationPtr operation) {
    if (request.error || request.outgoing.type == wire::MessageType::flush) {
        return operation;
    }
    try {
        Asking asking(request.outgoing);
        AskingEnd on_end = (*requester.asking_interceptor())(asking);
        if (on_end) {
            return WatchedOperation::wrap(operation, std::move(on_end), requester.executor());
        }
    } catch (...) {
        request.error = Error::from(std::current_exception());
    }
    return operation;
}

/// Starts a request: the part that does not depend on its types. Takes the operation, unless it throws.
template <class Slot>
void start_request(const std::shared_ptr<Requester>& requester, Prepared& request, OperationPtr& operation, Slot slot) {
    if (requester->asking_interceptor() != nullptr) [[unlikely]] {
        operation = intercept(*requester, request, std::move(operation));
    }
    requester->count(request.outgoing, request.error, *operation);
    if (request.error) {
        operation.release()->fail(*std::move(request.error), CompletionMode::post);
        return;
    }
    RequestId id = 0;
    if (slot.is_connected()) {
        id = requester->reserve();
        try {
            if (request.source) {
                operation->location = std::make_shared<Location>();
                operation->location->requester = requester;
                operation->location->id = id;
                slot.assign(CancelMovingRequest{operation->location});
            } else {
                slot.assign(CancelRequest{requester, id});
            }
        } catch (...) {
            requester->cancel(id);  // releases the number
            throw;
        }
    }
    requester->start(id, std::move(request.outgoing), std::move(operation));
    if (request.source) {
        try {
            request.source->dispatch_unassigned();
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory, it waits for the next client
        }
    }
}

template <class T, class Completion, class S>
struct InitiateRequest {
    template <class Handler>
    void operator()(Handler&& handler, PreparedPtr request, const S& serializer) const {
        using Op = RequestOperation<T, Completion, S, std::decay_t<Handler>>;
        const auto slot = asio::get_associated_cancellation_slot(handler);
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        OperationPtr operation;
        std::shared_ptr<Requester> requester = std::move(request->requester);
        // Nothing may be thrown: Asio 1.22.1 would terminate the program. Out of memory is the request's error.
        try {
            if (!requester) {
                requester = request->source->find();
            }
            operation = Op::make(own, serializer, requester->executor(), request->outgoing.is_notification());
            start_request(requester, *request, operation, slot);
        } catch (...) {
            const Error error = Error::from(std::current_exception());
            if (operation) {
                operation.release()->fail(error, CompletionMode::post);
            } else {
                Op::fail_unmade(std::move(own), requester ? requester->executor() : request->source->executor(), error);
            }
        }
    }
};

}  // namespace communica::peer
