// Messages to be published.
#pragma once

#include "../../connection.hpp"
#include "../../lock_order.hpp"
#include "../../wire/metadata_reader.hpp"
#include "channel.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// A queue that counts, by class, the bytes that the broker has not confirmed. Requests of high priority are first.
/// Thread-safe.
class MessageQueue {
 public:
    MessageQueue(std::shared_ptr<Budget> budget, std::shared_ptr<Counters> counters)
        : counters_(std::move(counters)), share_(std::move(budget)) {}

    /// Takes the body, or returns false: there is no room, or the queue is closed.
    bool push(SendClass send_class, std::string_view metadata, Buffer& body) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return false;
        }
        if (!room_.admits(send_class, bytes_of(send_class), metadata.size() + body.size())) {
            return false;
        }
        std::string head;
        head.reserve(metadata.size() + 1);
        head.append(metadata) += separator;
        bytes_of(send_class) += head.size() + body.size();
        share_.set(all_bytes());
        const bool high = send_class == SendClass::high_request;
        messages_.insert(high ? messages_.begin() + static_cast<std::ptrdiff_t>(high_) : messages_.end(),
                         {std::move(head), std::move(body), counted_as(send_class), std::chrono::steady_clock::now()});
        high_ += high ? 1 : 0;
        return true;
    }

    /// The next message for `routing_key`. A request with a known deadline expires then; a goodbye names its
    /// `connection`.
    std::optional<Publication> pop(const std::string& routing_key, const std::string& connection,
                                   bool knows_deadlines) {
        const std::lock_guard lock(mutex_);
        if (messages_.empty()) {
            return std::nullopt;
        }
        Message message = std::move(messages_.front());
        messages_.pop_front();
        high_ -= high_ != 0 ? 1 : 0;
        Publication publication{.kind = Kind::message, .routing_key = routing_key, .mandatory = true};
        publication.send_class = message.send_class;
        if (knows_deadlines && message.send_class == SendClass::request) {
            publication.expiration = time_left(message);
        }
        if (is_goodbye(message.head)) {
            publication.connection = connection;
        }
        publication.head = std::move(message.head);
        publication.body = std::move(message.body);
        if (counters_) {
            Counters::add(counters_->bytes_sent, publication.size());
        }
        return publication;
    }

    /// Returns whether there is room again for a message that was refused.
    bool confirm(SendClass send_class, std::size_t size) {
        const std::lock_guard lock(mutex_);
        bytes_of(send_class) -= std::min(bytes_of(send_class), size);
        share_.set(all_bytes());
        return room_.is_back(bytes_of(SendClass::request), bytes_of(SendClass::stream));
    }

    bool empty() const {
        const std::lock_guard lock(mutex_);
        return messages_.empty();
    }
    /// The bytes that the broker has not confirmed.
    std::size_t size(SendClass send_class) const {
        const std::lock_guard lock(mutex_);
        return bytes_[static_cast<std::size_t>(send_class)];
    }

    /// Accepts nothing more.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

    std::vector<UnsentMessage> take_unsent() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        std::vector<UnsentMessage> unsent;
        for (Message& message : messages_) {
            message.head.pop_back();
            const auto send_class = unsent.size() < high_ ? SendClass::high_request : message.send_class;
            unsent.push_back({std::move(message.head), std::move(message.body), send_class});
        }
        high_ = 0;
        messages_.clear();
        bytes_ = {};
        share_.set(0);
        return unsent;
    }

    /// Between the metadata and the body.
    static constexpr char separator = '\0';
    /// The limit with a separator. No limit stays no limit.
    static constexpr std::size_t with_separator(std::size_t limit) noexcept { return std::max(limit, limit + 1); }

 private:
    /// The limit of RabbitMQ: 2^32 - 1 ms.
    static constexpr std::chrono::milliseconds longest_expiration{std::numeric_limits<std::uint32_t>::max()};

    struct Message {
        std::string head;
        Buffer body;
        SendClass send_class;
        std::chrono::steady_clock::time_point queued;
    };

    static bool is_goodbye(std::string_view head) {
        static const std::string metadata = [] {
            Buffer text;
            wire::write_metadata(text, {.type = wire::MessageType::goodbye});
            return std::string(text.text());
        }();
        return head.size() == metadata.size() + 1 && head.starts_with(metadata);
    }

    std::size_t& bytes_of(SendClass send_class) { return bytes_[static_cast<std::size_t>(counted_as(send_class))]; }
    std::size_t all_bytes() const { return std::accumulate(bytes_.begin(), bytes_.end(), std::size_t{0}); }

    std::optional<std::chrono::milliseconds> time_left(const Message& message) {
        const auto metadata = reader_.read(std::string_view(message.head).substr(0, message.head.size() - 1));
        if (metadata.type != wire::MessageType::request || !metadata.timeout ||
            *metadata.timeout > longest_expiration) {
            return std::nullopt;
        }
        const auto waited =
            std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - message.queued);
        return std::max(*metadata.timeout - waited, std::chrono::milliseconds{1});
    }

    const std::shared_ptr<Counters> counters_;
    mutable base::OrderedMutex<base::LockOrder::connection> mutex_;
    std::deque<Message> messages_;
    std::size_t high_ = 0;  // those of high priority, in front of the others
    std::array<std::size_t, send_classes> bytes_{};
    BudgetReservation share_;
    wire::MetadataReader reader_;
    Room room_;
    bool closed_ = false;
};

}  // namespace communica::rabbitmq
