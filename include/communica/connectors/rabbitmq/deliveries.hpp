// The messages delivered to a channel, and their acknowledgements.
#pragma once

#include "assembler.hpp"
#include "channel_user.hpp"
#include "frames.hpp"
#include "names.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// The reading half of a channel. Does no I/O; not thread-safe.
class Deliveries {
 public:
    explicit Deliveries(std::shared_ptr<Budget> budget) : assembler_(small_body, 0, std::move(budget)) {}

    /// Cuts larger bodies to their first `head` bytes.
    void set_limits(std::size_t limit, std::size_t head) noexcept { assembler_.set_limits(limit, head); }

    /// Starts a new consumer: unacknowledged messages of the previous one are unknown to the broker.
    void begin() noexcept { acknowledged_ = handled_ = delivered_; }

    /// The tag of the last handled message, to acknowledge all up to it; null if there is none since the last call.
    std::optional<std::uint64_t> take_handled() noexcept {
        return std::exchange(acknowledged_, handled_) == handled_ ? std::nullopt : std::optional(handled_);
    }

    void on_deliver(const amqp_basic_deliver_t& deliver) {
        delivered_ = deliver.delivery_tag;
        content_ = {.redelivered = deliver.redelivered != 0};
    }
    /// A returned message begins.
    void on_return() { content_ = {.returned = true}; }

    void on_header(const amqp_basic_properties_t& properties, std::uint64_t body_size,
                   const std::weak_ptr<ChannelUser>& user) {
        const auto text = [&](amqp_flags_t flag, const amqp_bytes_t& value) {
            return (properties._flags & flag) != 0 ? text_of(value) : std::string_view();
        };
        content_.kind = kind_named(text(AMQP_BASIC_TYPE_FLAG, properties.type));
        content_.reply_to = text(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to);
        content_.connection = text(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id);
        assembler_.begin(body_size);
        if (assembler_.is_whole()) {
            hand_out(user);
        }
    }
    void on_body(std::string_view bytes, const std::weak_ptr<ChannelUser>& user) {
        if (!assembler_.is_whole()) {
            assembler_.add(bytes);
            if (assembler_.is_whole()) {
                hand_out(user);
            } else if (const auto listening = user.lock()) {
                listening->on_progress();
            }
        }
    }

 private:
    /// The limit until the connection sets its own.
    static constexpr std::size_t small_body = 64 * 1024;

    /// The properties of the current message.
    struct Content {
        Kind kind = Kind::unknown;
        std::string reply_to = {};
        std::string connection = {};
        bool redelivered = false;
        bool returned = false;
    };

    void hand_out(const std::weak_ptr<ChannelUser>& whom) {
        if (const auto user = whom.lock()) {
            const Delivery delivery{content_.kind,       assembler_.body(),    content_.reply_to,
                                    content_.connection, content_.redelivered, assembler_.cut()};
            if (content_.returned) {
                user->on_returned(delivery);
            } else if (user->on_delivery(delivery) && !left_one_) {
                handled_ = delivered_;
            } else {
                left_one_ = true;
            }
        }
        assembler_.end();
    }

    Assembler assembler_;
    Content content_;
    std::uint64_t delivered_ = 0;
    std::uint64_t handled_ = 0;
    std::uint64_t acknowledged_ = 0;
    bool left_one_ = false;  // a message was delivered and not handled: no later one is acknowledged
};

}  // namespace communica::rabbitmq
