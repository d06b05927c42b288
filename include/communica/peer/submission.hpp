// How a completion reaches its handler's executor: without an allocation at the moment of completion.
#pragma once

#include "../asio.hpp"
#include "../separate_compilation.hpp"
#include "linked_list.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace communica::peer {

/// How a request's completion is called: at once if its executor allows (`dispatch`), or never inside the call that
/// ends it (`post`).
enum class CompletionMode { dispatch, post };

/// What Asio needs on Linux. For Windows a turn is larger, and allocated when it is needed.
inline constexpr std::size_t turn_size = 64;
struct FreeTurn {
    void operator()(void* memory) const noexcept { ::operator delete(memory); }
};
/// Memory for the turn of a strand, or null.
using Turn = std::unique_ptr<void, FreeTurn>;

/// Allocates the turn that a submission to this executor needs, if it is a strand on an io_context.
Turn turn_for(const asio::any_io_executor& executor);
template <class Executor>
    requires(!std::convertible_to<const Executor&, asio::any_io_executor>)
Turn turn_for(const Executor& /*executor*/) {
    return {};
}

/// A stored result and its handler, with the memory that Asio needs to call it. Making it is the last step that can fail
/// for lack of memory.
class Submission {
 public:
    explicit Submission(Turn turn = {}) noexcept : turn_(std::move(turn)) {}
    Submission(const Submission&) = delete;
    Submission& operator=(const Submission&) = delete;

    /// Calls the handler with the stored result. Destroys this.
    virtual void complete() = 0;
    /// The same on the handler's executor: now if that is the executor of the thread, or lets it.
    virtual void deliver() { complete(); }
    /// Destroys this without calling the handler.
    virtual void destroy() noexcept = 0;

    /// Returns memory for an executor's operation, then for the turn of a strand. Other memory is allocated.
    void* take_memory(std::size_t size) {
        if (!std::exchange(is_used_, true) && size <= sizeof operation_) {
            return operation_;
        }
        return size <= turn_size && turn_ ? turn_.release()
                                          : ::operator new(size);  // Asio's: it outlives the submission
    }
    const void* own_memory() const noexcept { return operation_; }

    Submission* next = nullptr;  ///< in a `SubmissionList`

 protected:
    ~Submission() = default;

 private:
    alignas(std::max_align_t) std::byte operation_[48];
    Turn turn_;
    bool is_used_ = false;
};

struct DestroySubmission {
    void operator()(Submission* submission) const noexcept { submission->destroy(); }
};
using SubmissionPtr = std::unique_ptr<Submission, DestroySubmission>;
using SubmissionList = LinkedList<Submission, DestroySubmission>;

/// Allocates from a submission, which may be gone when the memory is freed.
template <class T = void>
class SubmissionAllocator {
 public:
    using value_type = T;

    explicit SubmissionAllocator(Submission& submission) noexcept
        : submission_(&submission), own_(submission.own_memory()) {}
    template <class U>
    SubmissionAllocator(const SubmissionAllocator<U>& other) noexcept
        : submission_(other.submission_), own_(other.own_) {}

    T* allocate(std::size_t count) { return static_cast<T*>(submission_->take_memory(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t /*count*/) noexcept {
        if (memory != own_) {
            ::operator delete(memory);
        }
    }
    template <class U>
    bool operator==(const SubmissionAllocator<U>& other) const noexcept {
        return submission_ == other.submission_;
    }

 private:
    template <class U>
    friend class SubmissionAllocator;

    Submission* submission_;
    const void* own_;
};

/// What an executor receives. It does not depend on the operation's type: for each further type that an executor
/// receives, Asio compiles fifty functions.
struct Submitted {
    using allocator_type = SubmissionAllocator<>;

    SubmissionPtr submission;

    allocator_type get_allocator() const noexcept { return allocator_type(*submission); }
    void operator()() { submission.release()->complete(); }
};

template <class Executor>
void submit(const Executor& executor, SubmissionPtr submission, CompletionMode mode) {
    Submitted submitted{std::move(submission)};
    if (mode == CompletionMode::post) {
        return asio::post(executor, std::move(submitted));
    }
    try {
        asio::dispatch(executor, std::move(submitted));
    } catch (...) {  // of the handler, which was called at once: it belongs to the executor's run
        asio::post(executor, base::Task([e = std::current_exception()] { std::rethrow_exception(e); }));
    }
}

/// Calls `complete` on the executor. Allocates nothing for the executor of an io_context, and for a strand on one whose turn
/// is reserved. A type-erased executor of another kind allocates; without memory the handler is destroyed, as with Asio's operations.
void submit(const asio::any_io_executor& executor, SubmissionPtr submission, CompletionMode mode);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "submission.ipp"
#endif
