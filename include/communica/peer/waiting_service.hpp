// Destroys pending completions when their execution context is destroyed.
#pragma once

#include "../asio.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace communica::peer {

/// Registers the objects of an execution context that hold pending completions. When the context is destroyed, they
/// destroy these completions without calling them, as Asio does with its own operations: a completion may own the
/// object that it waits for. Thread-safe.
template <class Waiting>
class WaitingService final : public asio::execution_context::service {
 public:
    using key_type = WaitingService;
    inline static asio::execution_context::id id;

    explicit WaitingService(asio::execution_context& context) : service(context) {}

    static WaitingService& of(const asio::any_io_executor& executor) {
        return asio::use_service<WaitingService>(asio::query(executor, asio::execution::context));
    }

    void add(const std::shared_ptr<Waiting>& waiting) {
        const std::lock_guard lock(mutex_);
        waiting_.emplace(waiting.get(), waiting);
    }
    void remove(const Waiting* waiting) {
        const std::lock_guard lock(mutex_);
        waiting_.erase(waiting);
    }

 private:
    void shutdown() override {
        std::unordered_map<const Waiting*, std::weak_ptr<Waiting>> all;
        {
            const std::lock_guard lock(mutex_);
            all = std::exchange(waiting_, {});
        }
        for (const auto& entry : all) {
            if (const auto waiting = entry.second.lock()) {
                waiting->abandon();
            }
        }
    }

    std::mutex mutex_;
    std::unordered_map<const Waiting*, std::weak_ptr<Waiting>> waiting_;
};

}  // namespace communica::peer
