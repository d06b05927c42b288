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
    void begin(const wire::Metadata& metadata, std::optional<Clock::time_point> until, std::size_t held) {
        texts_.release();
        char* end = texts_.extend(metadata.id.size() + metadata.before_type.size() + metadata.after_type.size());
        const auto keep = [&end](std::string_view text) {
            const char* const begin = end;
            end = std::copy(text.begin(), text.end(), end);
            return std::string_view(begin, text.size());
        };
        id = keep(metadata.id);
        before_type = keep(metadata.before_type);
        after_type = keep(metadata.after_type);
        wants_answer = metadata.wants_answer();
        deadline = until;
        // The handler's `Context` has a copy of the headers, and of the id for their progress.
        const std::size_t context = metadata.headers.empty() ? 0 : metadata.headers.size() + metadata.id.size();
        bytes = call_cost + held + cost_of_texts() + context;
        is_answered = false;
    }

    /// Bytes that the request's metadata takes outside of this object.
    std::size_t cost_of_texts() const noexcept {
        return texts_.capacity() == Buffer::inline_capacity ? 0 : texts_.capacity();
    }

    /// The route, and the timeout of the request. Read from the metadata again, as only failures need them.
    std::string route() const {
        wire::MetadataReader reader;
        const std::string text = metadata();
        return std::string(reader.read(text).route.value_or(""));
    }
    std::chrono::milliseconds timeout() const {
        wire::MetadataReader reader;
        const std::string text = metadata();
        return reader.read(text).timeout.value_or(std::chrono::milliseconds{0});
    }

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

    void add(std::shared_ptr<InflightCall> call) {
        call->is_listed = true;
        notifications_ += call->wants_answer ? 0 : 1;
        call->index = calls_.size();
        if (call->deadline) {
            deadlines_.push(*call->deadline, call.get());
        }
        if (by_id_) {
            index(*call);
        }
        calls_.push_back(std::move(call));
    }

    /// Returns false if the call is not present.
    bool remove(InflightCall& call) {
        if (!std::exchange(call.is_listed, false)) {
            return false;
        }
        notifications_ -= call.wants_answer ? 0 : 1;
        deadlines_.remove(&call);
        if (by_id_) {
            if (const auto found = by_id_->find(call.id); found != by_id_->end() && found->second == &call) {
                by_id_->erase(found);
            }
        }
        calls_.back()->index = call.index;
        std::swap(calls_[call.index], calls_.back());
        calls_.pop_back();
        if (calls_.empty()) {
            by_id_.reset();
        }
        return true;
    }

    /// Returns null if there is none.
    std::shared_ptr<InflightCall> find(std::string_view id) {
        if (!by_id_) {
            by_id_.emplace();
            for (const auto& call : calls_) {
                index(*call);
            }
        }
        const auto found = by_id_->find(id);
        return found != by_id_->end() ? calls_[found->second->index] : nullptr;
    }

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
    std::shared_ptr<InflightCall> expired(Clock::time_point now) const {
        const auto call = deadlines_.expired(now);
        return call ? calls_[(*call)->index] : nullptr;
    }

    std::vector<std::shared_ptr<InflightCall>> take_all() {
        std::vector<std::shared_ptr<InflightCall>> all = calls_;
        for (const auto& call : all) {
            remove(*call);
        }
        return all;
    }

 private:
    struct PlaceOf {
        std::uint32_t& operator()(InflightCall* call) const noexcept { return call->place; }
    };

    void index(InflightCall& call) {
        if (!call.id.empty()) {  // empty for a notification, or for an id that is not a string
            by_id_->emplace(call.id, &call);
        }
    }

    std::vector<std::shared_ptr<InflightCall>> calls_;
    std::size_t notifications_ = 0;
    // Calls by id; of equal ids, the first call. Made by the first lookup, which is rare, and kept until there are no
    // calls, so that a call is inserted at most once. A tree, because the peer chooses the ids: it could make a hash
    // table collide.
    std::optional<std::map<std::string_view, InflightCall*>> by_id_;
    DeadlineHeap<InflightCall*, PlaceOf> deadlines_{PlaceOf{}};
};

}  // namespace communica::peer
