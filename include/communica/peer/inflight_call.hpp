// A request that a coroutine is answering.
#pragma once

#include "../asio.hpp"
#include "../buffer.hpp"
#include "../connection.hpp"
#include "../wire/metadata.hpp"
#include "../wire/metadata_reader.hpp"
#include "deadline_heap.hpp"
#include "handler_timer.hpp"
#include "notification_window.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::peer {

class IdleWorkers;

/// Bytes that a running coroutine takes besides its request and its handler's state: the call, and the frames of the
/// library's and Asio's coroutines (2.1 KiB with GCC 12).
inline constexpr std::size_t call_cost = 2304;

/// The data to answer a request after its message is gone, and to cancel its coroutine. A worker reuses it for its next
/// request.
struct InflightCall {
    explicit InflightCall(std::shared_ptr<Connection> from, std::weak_ptr<IdleWorkers> others = {})
        : connection(std::move(from)), idle(std::move(others)) {}

    /// Starts a request, whose value takes `held` bytes.
    void begin(const wire::Metadata& metadata, std::optional<Clock::time_point> until, std::size_t held);

    /// Bytes that the request's metadata takes outside of this object.
    std::size_t cost_of_texts() const noexcept {
        return texts_.capacity() == Buffer::inline_capacity ? 0 : texts_.capacity();
    }

    /// The route, and the timeout of the request. Read from the metadata again, as only failures need them.
    std::string route() const;
    std::chrono::milliseconds timeout() const;

    /// The result is not wanted any more. A notification that has not ended by now is never reported as ended.
    void abandon() noexcept {
        cancelled.store(true, std::memory_order_relaxed);
        ticket.abandon();
    }
    /// True if the result is not wanted any more.
    bool is_cancelled() const noexcept { return cancelled.load(std::memory_order_relaxed); }

    const std::shared_ptr<Connection> connection;  // that the request arrived on
    const std::weak_ptr<IdleWorkers> idle;         // where its worker waits for the next call
    std::string_view id;
    std::string_view before_type;
    std::string_view after_type;
    bool wants_answer = false;
    NotificationWindow::Ticket ticket;  // of a notification
    HandlerTimer timer;
    std::optional<Clock::time_point> deadline;
    std::size_t bytes = 0;  // held for the request

    std::atomic<bool> cancelled = false;
    asio::cancellation_signal signal;  // cancels the worker; emitted only on its executor

    // Under the responder's lock:
    bool is_listed = false;
    bool is_answered = false;
    std::size_t index = 0;
    std::uint32_t place = ~std::uint32_t{0};  // its index among the deadlines

 private:
    std::string metadata() const { return std::string(before_type) + "1" + std::string(after_type); }

    Buffer texts_;
};

/// The running calls, found by id and by deadline. Not thread-safe.
class InflightCalls {
 public:
    bool empty() const noexcept { return calls_.empty(); }
    std::size_t size() const noexcept { return calls_.size(); }
    /// The number of notifications among them.
    std::size_t notifications() const noexcept { return notifications_; }

    void add(std::shared_ptr<InflightCall> call);

    /// Returns false if the call is not present.
    bool remove(InflightCall& call);

    /// Returns null if there is none.
    std::shared_ptr<InflightCall> find(std::string_view id);

    /// Calls `visit` with the id of each call that has one.
    template <class Visit>
    void for_each_id(Visit visit) const {
        for (const auto& call : calls_) {
            if (!call->id.empty()) {
                visit(call->id);
            }
        }
    }

    std::optional<Clock::time_point> earliest() const noexcept { return deadlines_.earliest(); }

    /// Returns the call with the earliest deadline if that has passed; otherwise null.
    std::shared_ptr<InflightCall> expired(Clock::time_point now) const;

    std::vector<std::shared_ptr<InflightCall>> take_all();

 private:
    struct PlaceOf {
        std::uint32_t& operator()(InflightCall* call) const noexcept { return call->place; }
    };

    void index(InflightCall& call);

    std::vector<std::shared_ptr<InflightCall>> calls_;
    std::size_t notifications_ = 0;
    // Calls by id; of equal ids, the first call. Made by the first lookup, which is rare, and kept until there are no
    // calls, so that a call is inserted at most once. A tree, because the peer chooses the ids: it could make a hash
    // table collide.
    std::optional<std::map<std::string_view, InflightCall*>> by_id_;
    DeadlineHeap<InflightCall*, PlaceOf> deadlines_{PlaceOf{}};
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "inflight_call.ipp"
#endif
