// Shares one link among all connections to the same broker on the same executor.
#pragma once

#include "../../asio.hpp"
#include "byte_stream.hpp"
#include "link.hpp"
#include "url.hpp"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// Returns a link to one broker, on one strand: an existing one, or a new one if that has ended or is full.
class SharedLink {
 public:
    SharedLink(asio::any_io_executor executor, Url url, std::shared_ptr<const Dialer> dialer)
        : executor_(std::move(executor)),
          strand_(base::make_strand_on(executor_)),
          url_(std::move(url)),
          dialer_(std::move(dialer)) {}

    const asio::any_io_executor& strand() const noexcept { return strand_; }
    const Url& url() const noexcept { return url_; }

    bool is_for(const asio::any_io_executor& executor, const Url& url, const Dialer* dialer) const {
        return executor_ == executor && url_ == url && dialer_.get() == dialer;
    }

    /// The caller must create a channel on it at once. `notes` are for a new link. Call it on the strand.
    std::shared_ptr<Link> get(std::shared_ptr<BrokerNotes> notes) {
        std::erase_if(links_, [](const auto& link) { return link.expired(); });
        for (const auto& weak : links_) {
            if (auto link = weak.lock(); link && link->has_room()) {
                return link;
            }
        }
        auto link = std::make_shared<Link>(executor_, strand_, url_, dialer_->dial, std::move(notes));
        link->start();
        links_.push_back(link);
        return link;
    }

    /// The execution context is being destroyed.
    void forget() {
        for (const auto& weak : std::exchange(links_, {})) {
            if (const auto link = weak.lock()) {
                link->forget();
            }
        }
    }

 private:
    const asio::any_io_executor executor_;
    const asio::any_io_executor strand_;
    const Url url_;
    const std::shared_ptr<const Dialer> dialer_;
    std::vector<std::weak_ptr<Link>> links_;
};

/// The links of one execution context. Thread-safe.
class Links final : public asio::execution_context::service {
 public:
    using key_type = Links;
    inline static asio::execution_context::id id;

    explicit Links(asio::execution_context& context) : service(context) {}

    static std::shared_ptr<SharedLink> get(const asio::any_io_executor& executor, const Url& url,
                                           const std::shared_ptr<const Dialer>& dialer) {
        return asio::use_service<Links>(asio::query(executor, asio::execution::context))
            .find_or_make(executor, url, dialer);
    }

 private:
    std::shared_ptr<SharedLink> find_or_make(const asio::any_io_executor& executor, const Url& url,
                                             const std::shared_ptr<const Dialer>& dialer) {
        const std::lock_guard lock(mutex_);
        std::erase_if(links_, [](const auto& link) { return link.expired(); });
        for (const auto& weak : links_) {
            if (auto link = weak.lock(); link && link->is_for(executor, url, dialer.get())) {
                return link;
            }
        }
        auto link = std::make_shared<SharedLink>(executor, url, dialer);
        links_.push_back(link);
        return link;
    }

    void shutdown() noexcept override {
        for (const auto& weak : std::exchange(links_, {})) {
            if (const auto link = weak.lock()) {
                link->forget();
            }
        }
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<SharedLink>> links_;
};

}  // namespace communica::rabbitmq
