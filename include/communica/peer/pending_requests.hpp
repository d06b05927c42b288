// The requests that wait for their answers, found by number and by earliest deadline.
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"
#include "../lock_order.hpp"
#include "../serializers/codec/allowance.hpp"
#include "completions.hpp"
#include "deadline_queue.hpp"
#include "linked_list.hpp"
#include "outgoing.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace communica::peer {

class Requester;

/// The number of a request. Never 0. A number is used again only after 2^32 requests in its slot.
using RequestId = std::uint64_t;
using RequestIds = std::unordered_set<RequestId>;

/// The requester of a request that can move. Shared with its cancellation slot, so that a cancellation follows the
/// request.
struct Location {
    base::OrderedMutex<base::LockOrder::location> mutex;
    std::weak_ptr<Requester> requester;
    RequestId id = 0;
};

/// The answer to a request, borrowed.
struct Answer {
    Bytes body = {};
    Buffer* backing_buffer = nullptr;                      ///< as in `Message`
    std::size_t max_loaded = codec::Allowance::unlimited;  ///< bytes that its value may allocate
};

/// Takes the progress of a request, as JSON.
using ProgressSink = std::function<void(const Answer&)>;

/// A pending call. It is completed once, and destroyed by that.
class Operation {
 public:
    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    /// Loads the value. A notification has none. The completion is added to `completions`, or posted if that is null.
    virtual void succeed(const Answer& answer, Completions* completions) = 0;
    virtual void fail(Error error, Completions* completions) = 0;
    /// What to call with the progress of the request; null if nothing.
    virtual std::shared_ptr<const ProgressSink> progress() const { return nullptr; }

    std::shared_ptr<Location> location;
    /// What is sent again if the connection is lost.
    struct Repeat {
        Outgoing message;
        std::uint64_t order = 0;  ///< ascends in the order in which requests were started
    };
    Operation* next = nullptr;             ///< in an `OperationList`
    Clock::time_point begun = {};          ///< of a request, if its time is counted
    std::unique_ptr<const Repeat> repeat;  ///< of an idempotent request; null for others

 protected:
    virtual void destroy() noexcept = 0;
    ~Operation() = default;
    friend struct DestroyOperation;
};

struct DestroyOperation {
    void operator()(Operation* operation) const noexcept { operation->destroy(); }
};
using OperationPtr = std::unique_ptr<Operation, DestroyOperation>;

using OperationList = LinkedList<Operation, DestroyOperation>;

/// A table with constant-time access by number and to the earliest deadline. Uses no executor and no clock. Not
/// thread-safe.
class PendingRequests {
 public:
    PendingRequests() = default;
    PendingRequests(const PendingRequests&) = delete;
    PendingRequests& operator=(const PendingRequests&) = delete;

    bool empty() const noexcept { return count_ == 0; }
    std::size_t size() const noexcept { return count_; }

    /// Allocates a number. Its operation follows (`set`), so that its cancellation can be prepared before.
    RequestId reserve();

    /// Sets the operation of a reserved number. If the number was released (cancelled) meanwhile, returns the
    /// operation. `timeout` and `waited` are only stored.
    OperationPtr set(RequestId id, OperationPtr operation, std::optional<Clock::time_point> deadline,
                     Clock::duration timeout = {}, Clock::duration waited = {});

    /// Returns the operation of this number, which remains; null if there is none.
    Operation* find_operation(RequestId id) noexcept {
        const Slot* slot = find(id);
        return slot != nullptr ? slot->operation.get() : nullptr;
    }
    bool contains(RequestId id) noexcept { return find_operation(id) != nullptr; }

    /// The request does not wait for a connection.
    void set_needs_connection(RequestId id) noexcept {
        if (Slot* slot = find(id)) {
            slot->needs_connection = true;
        }
    }
    bool needs_connection(RequestId id) const noexcept { return slots_[index_of(id)].needs_connection; }

    /// The request was sent over this connection, under this route. `left`: the rest of its timeout, if it waited before.
    void note_sent(RequestId id, std::uint32_t connection, std::string&& quoted_route,
                   const std::optional<Clock::duration>& left = {}) noexcept;

    /// The peer of this connection has the request, which was sent over an earlier one.
    void note_resumed(RequestId id, std::uint32_t connection) noexcept {
        if (Slot* slot = find(id)) {
            slot->connection = connection;
        }
    }

    /// The route that the request was sent under.
    const std::string& route_of(RequestId id) const noexcept { return slots_[index_of(id)].quoted_route; }
    /// The timeout of the request.
    Clock::duration timeout_of(RequestId id) const noexcept { return slots_[index_of(id)].timeout; }

    /// The elapsed part of the timeout when `left` is the rest of it.
    Clock::duration time_over(RequestId id, const std::optional<Clock::duration>& left) const noexcept {
        return left ? timeout_of(id) - *left : Clock::duration();
    }
    /// The elapsed part of the timeout when the request was sent.
    Clock::duration waited_of(RequestId id) const noexcept { return slots_[index_of(id)].waited; }
    /// The number of the connection that the request was sent over.
    std::uint32_t connection_of(RequestId id) const noexcept { return slots_[index_of(id)].connection; }

    /// Removes and returns the operation; null if there is none (answered, timed out or cancelled before).
    OperationPtr take(RequestId id);

    std::optional<Clock::time_point> earliest() const noexcept { return deadlines_.earliest(); }

    /// Returns the number with the earliest deadline, if that has passed.
    std::optional<RequestId> expired(Clock::time_point now) const noexcept;

    std::optional<Clock::time_point> deadline_of(RequestId id) noexcept;

    /// Calls `function` with the number of each pending request. It may remove that one.
    template <class Function>
    void for_each(Function function) {
        for (std::uint32_t index = 0; index < slots_.size(); ++index) {
            if (slots_[index].operation) {
                function(id_at(index));
            }
        }
    }

 private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::size_t kept_slots = 1024;

    struct Slot {
        OperationPtr operation;
        DeadlineNode deadline;
        Clock::duration timeout{};
        Clock::duration waited{};
        std::uint32_t generation = 0;
        std::string quoted_route;
        std::uint32_t next_free = none;
        std::uint32_t connection = 0;
        bool reserved = false;
        bool needs_connection = false;
    };
    struct NodeOf {
        DeadlineNode& operator()(std::uint32_t index) const noexcept { return (*slots)[index].deadline; }
        std::vector<Slot>* slots;
    };

    static std::uint32_t index_of(RequestId id) noexcept { return static_cast<std::uint32_t>(id); }
    RequestId id_at(std::uint32_t index) const noexcept { return RequestId{slots_[index].generation} << 32 | index; }

    Slot* find(RequestId id) noexcept;

    /// Releases the memory of a burst. Later requests still get other numbers.
    void forget_slots() noexcept;

    std::vector<Slot> slots_;
    DeadlineQueue<NodeOf> deadlines_{NodeOf{&slots_}};
    std::uint32_t free_ = none;
    std::uint32_t generation_ = 0;  // of new slots: not below that of any released slot
    std::size_t reserved_ = 0;
    std::size_t count_ = 0;  // reserved slots with an operation
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "pending_requests.ipp"
#endif
