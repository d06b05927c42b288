// The handlers of an entity, by route.
#pragma once

#include "../buffer.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/metadata.hpp"
#include "asking.hpp"
#include "handler_timer.hpp"
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

/// A received request or notification. Its members are borrowed for the call that receives it.
struct Incoming {
    const std::shared_ptr<Peer>& peer;
    const std::shared_ptr<Connection>& connection;
    const wire::Metadata& metadata;
    Bytes body;
    bool redelivered = false;
    Buffer* backing_buffer = nullptr;                    ///< as in `Message`
    std::shared_ptr<const InflightCall> call = nullptr;  ///< null until a coroutine answers it
    NotificationWindow::Ticket* ticket = nullptr;        ///< of a notification: taken by a handler that ends later
    HandlerTimer* timer = nullptr;                       ///< null without counters; taken likewise
};

/// A failed request, notification or stream, for the entity's log.
struct Failure {
    enum class What { request, notification, stream };

    std::string_view route;  ///< empty for Simple entities
    const Error& error;
    What what;  ///< a failed notification is reported nowhere else
};

inline Failure::What kind_of(const wire::Metadata& metadata) noexcept {
    return metadata.wants_answer() ? Failure::What::request : Failure::What::notification;
}

/// A user's callable behind its types: loads the value, calls and answers. Called on the connection's executor.
class Handler {
 public:
    explicit Handler(bool opens_streams = false) noexcept : opens_streams_(opens_streams) {}
    virtual ~Handler() = default;
    virtual void handle(const Incoming& incoming) const = 0;

    /// True if the handler reads bodies that the peer may still change; others get a copy.
    virtual bool reads_shared() const noexcept { return false; }

    /// True if the handler accepts streams, and nothing else.
    bool opens_streams() const noexcept { return opens_streams_; }

 private:
    const bool opens_streams_;
};

struct HashRoute {
    using is_transparent = void;
    std::size_t operator()(std::string_view route) const noexcept { return std::hash<std::string_view>{}(route); }
};
/// A handler and the description of its route, which is null by default.
struct DescribedHandler {
    // NOLINTNEXTLINE(*-explicit-*): a handler converts to this
    DescribedHandler(std::shared_ptr<const Handler> alone) : handler(std::move(alone)) {}

    const Handler* get() const noexcept { return handler.get(); }

    std::shared_ptr<const Handler> handler;
    std::shared_ptr<const RouteDescription> description = nullptr;
    std::shared_ptr<RouteCounters> counters = nullptr;  ///< null without counters
};
using HandlerMap = std::unordered_map<std::string, DescribedHandler, HashRoute, std::equal_to<>>;

/// Handlers by route. A lookup takes no lock, also while one thread adds routes. Routes are never removed.
class RouteIndex {
 public:
    RouteIndex();
    RouteIndex(const RouteIndex&) = delete;
    RouteIndex& operator=(const RouteIndex&) = delete;
    ~RouteIndex();

    /// Returns null if there is none.
    const DescribedHandler* find(std::string_view route) const noexcept;

    /// Counts the requests of each route. Call it before the first lookup.
    void count();

    /// The route must not be present.
    void add(const std::string& route, const DescribedHandler& handler);

    /// Not while a route is added.
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
    using Slots = std::vector<std::atomic<const Entry*>>;  // a power of two of them, at least half of them null

    static void put(Slots& slots, const Entry& entry) noexcept;

    void grow(std::size_t size);

    std::deque<Entry> entries_;                     // a deque, because entries must not move
    std::vector<std::unique_ptr<Slots>> versions_;  // each twice the size of the one before
    std::atomic<const Slots*> current_ = nullptr;
};

/// The handlers of one entity, shared by its connections. Routes can be added during lookups.
class Handlers {
 public:
    enum class Mode { simple, routes };

    explicit Handlers(std::shared_ptr<const Handler> only) : mode_(Mode::simple), only_(std::move(only)) {}
    explicit Handlers(const HandlerMap& routes) : mode_(Mode::routes) { add(routes); }

    Mode mode() const noexcept { return mode_; }
    /// Runs around each handler; may be empty.
    const Interceptor& interceptor() const noexcept { return interceptor_; }
    /// Call it before the first request.
    void set_interceptor(Interceptor interceptor) { interceptor_ = std::move(interceptor); }

    /// Runs before each message that the entity sends; may be null.
    const std::shared_ptr<const AskingInterceptor>& asking_interceptor() const noexcept { return asking_interceptor_; }
    void set_asking_interceptor(AskingInterceptor interceptor);

    /// Sets the function that receives all failures of this side. It is called on the connections' executors, also
    /// concurrently. Call this before the first request.
    void set_on_failure(std::function<void(const Failure&)> on_failure) { on_failure_ = std::move(on_failure); }
    void report(const Failure& failure) const {
        if (on_failure_) {
            on_failure_(failure);
        }
    }
    /// Sets the function that answers `inspect`, or throws. Without it, `inspect` is refused. Call this before the
    /// first request.
    void set_inspector(std::function<std::string(const Credentials&)> inspector) { inspector_ = std::move(inspector); }
    /// Returns a JSON text about the entity for a peer with these credentials.
    std::string inspect(const Credentials& who) const;

    const Handler* only() const noexcept { return only_.get(); }

    const Handler* find(std::string_view route) const noexcept {
        const DescribedHandler* const described = find_described(route);
        return described != nullptr ? described->get() : nullptr;
    }
    const DescribedHandler* find_described(std::string_view route) const noexcept { return routes_.find(route); }
    ValueNames value_names(std::string_view route) const noexcept;

    /// Counts the requests of each route from now on, if they are to be. Call it before the first request arrives.
    void count_routes(bool counts);

    /// Calls `function(route, described)` for each route. Thread-safe.
    template <class F>
    void for_each(F function) const {
        const std::lock_guard lock(mutex_);
        routes_.for_each(function);
    }

    /// Adds the routes of a table. Throws `RouteOverrideError`, and adds none, if one exists. Thread-safe.
    void add(const HandlerMap& more, const std::string& table = {});

 private:
    Mode mode_;
    std::shared_ptr<const Handler> only_;
    Interceptor interceptor_;
    std::shared_ptr<const AskingInterceptor> asking_interceptor_;
    std::function<void(const Failure&)> on_failure_;
    std::function<std::string(const Credentials&)> inspector_;
    mutable std::mutex mutex_;  // taken by `add` and `for_each`
    RouteIndex routes_;
    bool counts_routes_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "handlers.ipp"
#endif
