// How a completion reaches its handler's executor: without an allocation at the moment of completion.
#pragma once

#include "../asio.hpp"
#include "../separate_compilation.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace communica::peer {

/// How a request's completion is called: at once if its executor allows (`dispatch`), or never inside the call that
/// ends it (`post`).
enum class CompletionMode { dispatch, post };

/// A stored result and its handler, with the memory that Asio needs to call it: an executor's operation and, for a
/// strand, the turn of the strand. Making it is the last step that can fail for lack of memory.
class Submission {
 public:
    Submission() = default;
    Submission(const Submission&) = delete;
    Submission& operator=(const Submission&) = delete;

    /// Calls the handler with the stored result. Destroys this.
    virtual void complete() = 0;
    /// Destroys this without calling the handler.
    virtual void destroy() noexcept = 0;

    /// Returns null if too little is left. Never reused: a submission is submitted once.
    void* take_memory(std::size_t size) noexcept {
        const std::size_t rounded = (size + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
        if (rounded > sizeof memory_ - used_) {
            return nullptr;
        }
        return memory_ + std::exchange(used_, used_ + rounded);
    }
    bool holds(const void* memory) const noexcept {
        return !std::less<const void*>()(memory, memory_) && std::less<const void*>()(memory, memory_ + sizeof memory_);
    }

 protected:
    ~Submission() = default;

 private:
    // 40 and 64 bytes on Linux. Asio for Windows has larger operations, of which the second is allocated.
    alignas(std::max_align_t) std::byte memory_[112];
    std::size_t used_ = 0;
};

struct DestroySubmission {
    void operator()(Submission* submission) const noexcept { submission->destroy(); }
};
using SubmissionPtr = std::unique_ptr<Submission, DestroySubmission>;

/// Allocates from a submission what fits there. The submission outlives that memory: Asio frees it before it calls the
/// handler.
template <class T = void>
class SubmissionAllocator {
 public:
    using value_type = T;

    explicit SubmissionAllocator(Submission& submission) noexcept : submission_(&submission) {}
    template <class U>
    SubmissionAllocator(const SubmissionAllocator<U>& other) noexcept : submission_(&other.submission()) {}

    T* allocate(std::size_t count) {
        void* const memory = submission_->take_memory(count * sizeof(T));
        return memory != nullptr ? static_cast<T*>(memory) : std::allocator<T>().allocate(count);
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        if (!submission_->holds(memory)) {
            std::allocator<T>().deallocate(memory, count);
        }
    }
    Submission& submission() const noexcept { return *submission_; }
    template <class U>
    bool operator==(const SubmissionAllocator<U>& other) const noexcept {
        return submission_ == &other.submission();
    }

 private:
    Submission* submission_;
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

/// Calls `complete` on the executor. Allocates nothing for the executor of an io_context and for a strand on one. A
/// type-erased executor of another kind allocates; without memory the handler is destroyed, as with Asio's operations.
void submit(const asio::any_io_executor& executor, SubmissionPtr submission, CompletionMode mode);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "submission.ipp"
#endif
