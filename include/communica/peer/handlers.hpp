// Who answers: the handlers of an entity, found by route.
#pragma once

#include "../buffer.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/metadata.hpp"
#include "asking.hpp"
#include "interceptor.hpp"
#include "notification_window.hpp"
#include "route_description.hpp"

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace communica::peer {

class Peer;
struct InflightCall;

/// A request or notification that has come, borrowed for the call that hands it out.
struct Incoming {
    const std::shared_ptr<Peer>& peer;
    const std::shared_ptr<Connection>& connection;
    const wire::Metadata& metadata;
    Bytes body;
    bool redelivered = false;
    Buffer* backing_buffer = nullptr;                    ///< as in `Message`
    std::shared_ptr<const InflightCall> call = nullptr;  ///< once a coroutine answers it
    NotificationWindow::Ticket* ticket = nullptr;        ///< of a notification: taken by whoever handles it later
};

/// What became of a request, a notification or a stream, where nobody else may hear of it.
struct Failure {
    enum class What { request, notification, stream };

    std::string_view route;  ///< empty for Simple entities
    const Error& error;
    What what;  ///< of a notification nobody is told but the log
};

inline Failure::What kind_of(const wire::Metadata& metadata) noexcept {
    return metadata.wants_answer() ? Failure::What::request : Failure::What::notification;
}

/// A user's callable behind its types: loads the value, calls, answers. Called on the connection's executor.
class Handler {
 public:
    explicit Handler(bool opens_streams = false) noexcept : opens_streams_(opens_streams) {}
    virtual ~Handler() = default;
    virtual void handle(const Incoming& incoming) const = 0;

    /// Does it take streams that are opened, and nothing else?
    bool opens_streams() const noexcept { return opens_streams_; }

 private:
    const bool opens_streams_;
};

struct HashRoute {
    using is_transparent = void;
    std::size_t operator()(std::string_view route) const noexcept { return std::hash<std::string_view>{}(route); }
};
/// A handler, and what is known of its route; nothing as a rule.
struct DescribedHandler {
    // NOLINTNEXTLINE(*-explicit-*): a handler alone is one, too
    DescribedHandler(std::shared_ptr<const Handler> alone) : handler(std::move(alone)) {}

    const Handler* get() const noexcept { return handler.get(); }

    std::shared_ptr<const Handler> handler;
    std::shared_ptr<const RouteDescription> description = nullptr;
};
using HandlerMap = std::unordered_map<std::string, DescribedHandler, HashRoute, std::equal_to<>>;

/// Handlers by route, looked up without a lock while one thread adds more. None is ever taken out.
class RouteIndex {
 public:
    RouteIndex() { grow(16); }

    /// Null if there is none.
    const Handler* find(std::string_view route) const noexcept {
        const Slots& slots = *current_.load(std::memory_order_acquire);
        for (std::size_t at = HashRoute()(route);; ++at) {
            const Entry* const entry = slots[at & (slots.size() - 1)].load(std::memory_order_acquire);
            if (entry == nullptr || entry->route == route) {
                return entry != nullptr ? entry->described.get() : nullptr;
            }
        }
    }

    /// One that is not in.
    void add(const std::string& route, const DescribedHandler& handler) {
        if (2 * (entries_.size() + 1) > versions_.back()->size()) {
            grow(2 * versions_.back()->size());
        }
        put(*versions_.back(), entries_.emplace_back(Entry{route, handler}));
    }

    /// Not while one is added.
    template <class F>
    void for_each(F function) const {
        for (const Entry& entry : entries_) {
            function(entry.route, entry.described);
        }
    }

 private:
    struct Entry {
        std::string route;
        DescribedHandler described;
    };
    using Slots = std::vector<std::atomic<const Entry*>>;  // a power of two of them, and half of them are null

    static void put(Slots& slots, const Entry& entry) noexcept {
        std::size_t at = HashRoute()(entry.route);
        while (slots[at & (slots.size() - 1)].load(std::memory_order_relaxed) != nullptr) {
            ++at;
        }
        slots[at & (slots.size() - 1)].store(&entry, std::memory_order_release);
    }

    void grow(std::size_t size) {
        auto slots = std::make_unique<Slots>(size);
        for (const Entry& entry : entries_) {
            put(*slots, entry);
        }
        current_.store(slots.get(), std::memory_order_release);
        versions_.push_back(std::move(slots));  // a lookup may still be in an older one
    }

    std::deque<Entry> entries_;                     // none of them moves
    std::vector<std::unique_ptr<Slots>> versions_;  // each twice as large as the one before
    std::atomic<const Slots*> current_ = nullptr;
};

/// The handlers of one entity, shared by its connections. Routes may be added while requests are looked up.
class Handlers {
 public:
    enum class Mode { simple, routes };

    explicit Handlers(std::shared_ptr<const Handler> only) : mode_(Mode::simple), only_(std::move(only)) {}
    explicit Handlers(const HandlerMap& routes) : mode_(Mode::routes) { add(routes); }

    Mode mode() const noexcept { return mode_; }
    /// What is wrapped around each of them; empty for nothing.
    const Interceptor& interceptor() const noexcept { return interceptor_; }
    /// Before the first request comes.
    void set_interceptor(Interceptor interceptor) { interceptor_ = std::move(interceptor); }

    /// What sees all that their entity sends; null for nothing.
    const std::shared_ptr<const AskingInterceptor>& asking_interceptor() const noexcept { return asking_interceptor_; }
    void set_asking_interceptor(AskingInterceptor interceptor) {
        asking_interceptor_ = interceptor ? std::make_shared<const AskingInterceptor>(std::move(interceptor)) : nullptr;
    }

    /// Called on the connections' executors, also several at a time, for everything that failed here. Before the first
    /// request comes.
    void set_on_failure(std::function<void(const Failure&)> on_failure) { on_failure_ = std::move(on_failure); }
    void report(const Failure& failure) const {
        if (on_failure_) {
            on_failure_(failure);
        }
    }
    /// What `inspect` answers, or throws. Before the first request comes; without it, nothing can be asked.
    void set_inspector(std::function<std::string(const Credentials&)> inspector) { inspector_ = std::move(inspector); }
    /// A JSON text about the entity, for somebody.
    std::string inspect(const Credentials& who) const {
        if (!inspector_) {
            throw RequesterError("This can not be inspected");
        }
        return inspector_(who);
    }

    const Handler* only() const noexcept { return only_.get(); }

    const Handler* find(std::string_view route) const noexcept { return routes_.find(route); }

    /// `function(route, described)` for each route. Thread-safe.
    template <class F>
    void for_each(F function) const {
        const std::lock_guard lock(mutex_);
        routes_.for_each(function);
    }

    /// Adds the routes of a table. Throws `RouteOverrideError`, and adds none, if one is there already. Thread-safe.
    void add(const HandlerMap& more, const std::string& table = {}) {
        const std::lock_guard lock(mutex_);
        for (const auto& [route, handler] : more) {
            if (routes_.find(route) != nullptr) {
                throw RouteOverrideError("route \"" + route + "\"" +
                                         (table.empty() ? "" : " in table \"" + table + "\"") + " is defined already");
            }
        }
        for (const auto& [route, handler] : more) {
            routes_.add(route, handler);
        }
    }

 private:
    Mode mode_;
    std::shared_ptr<const Handler> only_;
    Interceptor interceptor_;
    std::shared_ptr<const AskingInterceptor> asking_interceptor_;
    std::function<void(const Failure&)> on_failure_;
    std::function<std::string(const Credentials&)> inspector_;
    mutable std::mutex mutex_;  // of those who add
    RouteIndex routes_;
};

}  // namespace communica::peer
