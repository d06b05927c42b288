// Where the completions of answered requests wait until the connection's turn is over.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../mutex.hpp"
#include "../turn_scope.hpp"
#include "submission.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace communica::peer {

/// Calls completions in the order of their answers, after the turn of the connection: a handler that computes holds up
/// neither the connection nor, if other threads run the context, the completions behind it. As long as some wait, a run is
/// posted that another thread can take. Thread-safe.
class Completions final : public base::AfterTurn, public std::enable_shared_from_this<Completions> {
 public:
    /// `executor`: of handlers without one of their own.
    explicit Completions(asio::any_io_executor executor)
        : executor_(std::move(executor)), context_(base::target_of<Context>(executor_)) {}

    /// What the completions send over this connection is written together.
    void attach(const std::shared_ptr<Connection>& connection) noexcept {
        const std::lock_guard lock(mutex_);
        connection_ = connection;
    }

    void add(SubmissionPtr completion);

    /// Destroys those that wait, without calling them.
    void abandon() noexcept;

    void run_after_turn() noexcept override;

 private:
    using Context = asio::io_context::executor_type;
    template <bool is_posted>
    struct Run;

    void run(bool was_posted) noexcept;
    void deliver(SubmissionPtr completion) noexcept;
    /// Returns false if there is no memory for that.
    bool post_run() noexcept;
    std::shared_ptr<Connection> connection() noexcept {
        const std::lock_guard lock(mutex_);
        return connection_.lock();
    }

    const asio::any_io_executor executor_;
    const Context* const context_;  // the executor, if it is that of a context and no strand
    base::Mutex mutex_;             // guards the members below
    std::weak_ptr<Connection> connection_;
    SubmissionList waiting_;
    bool is_run_left_ = false;                 // to the end of a turn's scope, and has not begun
    std::atomic<bool> is_run_posted_ = false;  // and has not begun; read without the lock
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "completions.ipp"
#endif
