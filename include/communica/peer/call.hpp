// A request that is being answered by a coroutine.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../wire/metadata.hpp"
#include "deadline_heap.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace communica::peer {

/// What it takes to answer after the message with the request is gone, and to cancel who answers.
struct Call {
    Call(std::shared_ptr<Connection> from, const wire::Metadata& metadata, std::optional<Clock::time_point> until,
         std::size_t held)
        : connection(std::move(from)),
          id(metadata.id),
          before_type(metadata.before_type),
          after_type(metadata.after_type),
          wants_answer(metadata.wants_answer()),
          deadline(until),
          bytes(held) {}

    /// Nobody wants the result any more.
    bool is_cancelled() const noexcept { return cancelled.load(std::memory_order_relaxed); }

    const std::shared_ptr<Connection> connection;  // that the request came by
    const std::string id;
    const std::string before_type;
    const std::string after_type;
    const bool wants_answer;
    const std::optional<Clock::time_point> deadline;
    const std::size_t bytes;  // held for the request

    std::atomic<bool> cancelled = false;
    asio::cancellation_signal signal;  // of the coroutine, emitted on its executor alone

    // Under the responder's lock:
    bool is_listed = false;
    bool is_answered = false;
    std::size_t index = 0;
    std::uint32_t place = ~std::uint32_t{0};  // among the deadlines
};

/// The calls at work: all of them, by id, and by deadline. Not thread-safe.
class Calls {
 public:
    bool empty() const noexcept { return calls_.empty(); }
    std::size_t size() const noexcept { return calls_.size(); }

    void add(std::shared_ptr<Call> call) {
        call->is_listed = true;
        call->index = calls_.size();
        if (call->deadline) {
            deadlines_.push(*call->deadline, call.get());
        }
        if (!call->id.empty()) {  // a notification, or an id that is not a text
            by_id_.emplace(call->id, call.get());
        }
        calls_.push_back(std::move(call));
    }

    /// Says whether it was in.
    bool remove(Call& call) {
        if (!std::exchange(call.is_listed, false)) {
            return false;
        }
        deadlines_.remove(&call);
        if (const auto found = by_id_.find(call.id); found != by_id_.end() && found->second == &call) {
            by_id_.erase(found);
        }
        calls_.back()->index = call.index;
        std::swap(calls_[call.index], calls_.back());
        calls_.pop_back();
        return true;
    }

    /// Null if there is none.
    std::shared_ptr<Call> find(std::string_view id) const {
        const auto found = by_id_.find(id);
        return found != by_id_.end() ? calls_[found->second->index] : nullptr;
    }

    std::optional<Clock::time_point> earliest() const noexcept { return deadlines_.earliest(); }

    /// The call whose deadline comes first, if it has passed; null otherwise.
    std::shared_ptr<Call> expired(Clock::time_point now) const {
        const auto call = deadlines_.expired(now);
        return call ? calls_[(*call)->index] : nullptr;
    }

    std::vector<std::shared_ptr<Call>> take_all() {
        std::vector<std::shared_ptr<Call>> all = calls_;
        for (const auto& call : all) {
            remove(*call);
        }
        return all;
    }

 private:
    struct PlaceOf {
        std::uint32_t& operator()(Call* call) const noexcept { return call->place; }
    };

    std::vector<std::shared_ptr<Call>> calls_;
    std::unordered_map<std::string_view, Call*> by_id_;  // of two with one id, the first
    DeadlineHeap<Call*, PlaceOf> deadlines_{PlaceOf{}};
};

}  // namespace communica::peer
