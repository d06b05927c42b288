// Who answers: the handlers of an entity, found by route.
#pragma once

#include "../buffer.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/metadata.hpp"
#include "interceptor.hpp"

#include <atomic>
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
struct Call;

/// A request or notification that has come, borrowed for the call that hands it out.
struct Incoming {
    const std::shared_ptr<Peer>& peer;
    const std::shared_ptr<Connection>& connection;
    const wire::Metadata& metadata;
    Bytes body;
    bool redelivered = false;
    Buffer* memory = nullptr;                    ///< as in `Message`
    std::shared_ptr<const Call> call = nullptr;  ///< once a coroutine answers it
};

/// What became of a request or notification, where nobody else may hear of it.
struct Failure {
    std::string_view route;  ///< empty for Simple entities
    const Error& error;
    bool is_notification;  ///< nobody is told but the log
};

/// A user's callable behind its types: loads the value, calls, answers. Called on the connection's executor.
class Handler {
 public:
    virtual ~Handler() = default;
    virtual void handle(const Incoming& incoming) const = 0;
};

struct HashRoute {
    using is_transparent = void;
    std::size_t operator()(std::string_view route) const noexcept { return std::hash<std::string_view>{}(route); }
};
using HandlerMap = std::unordered_map<std::string, std::shared_ptr<const Handler>, HashRoute, std::equal_to<>>;

/// The handlers of one entity, shared by its connections. Routes may be added while requests are looked up: each
/// lookup reads one whole version of the table without a lock. Routes are never taken out again.
class Handlers {
 public:
    enum class Mode { simple, routes };

    explicit Handlers(std::shared_ptr<const Handler> only) : mode_(Mode::simple), only_(std::move(only)) {}
    explicit Handlers(const HandlerMap& routes) : mode_(Mode::routes) { publish(std::make_unique<HandlerMap>(routes)); }

    Mode mode() const noexcept { return mode_; }
    /// What is wrapped around each of them; empty for nothing.
    const Interceptor& interceptor() const noexcept { return interceptor_; }
    /// Before the first request comes.
    void set_interceptor(Interceptor interceptor) { interceptor_ = std::move(interceptor); }

    /// Called on the connections' executors, also several at a time, for everything that failed here. Before the first
    /// request comes.
    void set_on_failure(std::function<void(const Failure&)> on_failure) { on_failure_ = std::move(on_failure); }
    void report(const Failure& failure) const {
        if (on_failure_) {
            on_failure_(failure);
        }
    }
    const Handler* only() const noexcept { return only_.get(); }

    const Handler* find(std::string_view route) const {
        const HandlerMap& routes = *current_.load(std::memory_order_acquire);
        const auto found = routes.find(route);
        return found == routes.end() ? nullptr : found->second.get();
    }

    /// Adds the routes of a table. Throws `RouteOverrideError`, and adds none, if one is there already. Thread-safe.
    void add(const HandlerMap& more, const std::string& table = {}) {
        const std::lock_guard lock(mutex_);
        auto joined = std::make_unique<HandlerMap>(*versions_.back());
        for (const auto& [route, handler] : more) {
            if (!joined->emplace(route, handler).second) {
                throw RouteOverrideError("route \"" + route + "\"" +
                                         (table.empty() ? "" : " in table \"" + table + "\"") + " is defined already");
            }
        }
        publish(std::move(joined));
    }

 private:
    void publish(std::unique_ptr<const HandlerMap> routes) {
        current_.store(routes.get(), std::memory_order_release);
        versions_.push_back(std::move(routes));  // a lookup may still be in an older one
    }

    Mode mode_;
    std::shared_ptr<const Handler> only_;
    Interceptor interceptor_;
    std::function<void(const Failure&)> on_failure_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<const HandlerMap>> versions_;
    std::atomic<const HandlerMap*> current_ = nullptr;
};

}  // namespace communica::peer
