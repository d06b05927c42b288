// A request or notification as an Asio operation: started with any token, completed once.
#pragma once

#include "../asio.hpp"
#include "../error.hpp"
#include "../serializers/serializer.hpp"
#include "cancel.hpp"
#include "completion.hpp"
#include "progress.hpp"
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
class RequestOperation final : public Operation, public Submission {
    using Executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
    using Recycling = asio::recycling_allocator<void>;
    using Allocator = typename std::allocator_traits<
        asio::associated_allocator_t<Handler, Recycling>>::template rebind_alloc<RequestOperation>;

    static Allocator allocator_of(const Handler& handler) {
        return Allocator(asio::get_associated_allocator(handler, Recycling()));
    }

 public:
    /// Takes the handler, unless it throws.
    static OperationPtr make(Handler& handler, const S& serializer, const asio::any_io_executor& inner) {
        const Executor executor = asio::get_associated_executor(handler, inner);
        const bool has_other_executor = !is_equal(executor, inner);
        Turn turn = has_other_executor ? turn_for(executor) : Turn();
        Allocator allocator = allocator_of(handler);
        RequestOperation* memory = std::allocator_traits<Allocator>::allocate(allocator, 1);
        auto* const made = new (memory) RequestOperation(std::move(handler), serializer, inner, std::move(turn));
        if (has_other_executor) {
            made->work_.emplace(executor);
        }
        return OperationPtr(made);
    }

    RequestOperation(Handler&& handler, const S& serializer, const asio::any_io_executor& inner, Turn turn)
        : Submission(std::move(turn)), handler_(std::move(handler)), serializer_(serializer), inner_(inner) {}

    void succeed(const Answer& answer, Completions* completions) override {
        completion_.emplace(Loading{*this, answer});
        finish(completions);
    }
    void fail(Error error, Completions* completions) override {
        SubmissionPtr self(this);  // the value that stands beside an error may throw
        completion_.emplace(std::move(error));
        static_cast<RequestOperation&>(*self.release()).finish(completions);
    }

 private:
    static bool is_equal(const Executor& executor, const asio::any_io_executor& inner) noexcept {
        if constexpr (std::is_same_v<Executor, asio::any_io_executor>) {
            return executor == inner;
        } else {
            return false;
        }
    }

    /// Constructs the completion in place.
    struct Loading {
        const RequestOperation& operation;
        const Answer& answer;

        operator Completion() const { return operation.load(answer); }
    };

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

    void finish(Completions* completions) {
        if (completions != nullptr) {
            completions->add(SubmissionPtr(this));
        } else {
            submit_as(CompletionMode::post);
        }
    }
    void submit_as(CompletionMode mode) {
        const asio::any_io_executor inner(std::move(inner_));
        const auto work = std::move(work_);
        const Executor executor = asio::get_associated_executor(handler_, inner);
        submit(executor, SubmissionPtr(this), mode);
    }

    void deliver() override { work_ ? submit_as(CompletionMode::dispatch) : complete(); }

    /// Frees the memory, then calls the handler.
    void complete() override {
        Completion completion = *std::move(completion_);
        const Allocator allocator = allocator_of(handler_);
        Handler handler = std::move(handler_);
        free(allocator);
        completion.give_to(std::move(handler));
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
    std::optional<Completion> completion_;                     // until the handler is called
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
    std::shared_ptr<const ProgressSink> progress;  ///< null unless the requester wants to hear of it
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
    if (request.progress) [[unlikely]] {
        operation = ReportedOperation::wrap(operation, std::move(request.progress));
    }
    if (requester->asking_interceptor() != nullptr) [[unlikely]] {
        operation = intercept(*requester, request, std::move(operation));
    }
    requester->count(request.outgoing, request.error, *operation);
    if (request.error) {
        operation.release()->fail(*std::move(request.error), nullptr);
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
            operation = Op::make(own, serializer, requester->executor());
            start_request(requester, *request, operation, slot);
        } catch (...) {
            Error error = Error::from(std::current_exception());
            if (!operation) {  // the failed attempt has freed its memory
                operation = Op::make(own, serializer, requester ? requester->executor() : request->source->executor());
            }
            operation.release()->fail(std::move(error), nullptr);
        }
    }
};

}  // namespace communica::peer
