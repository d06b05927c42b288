// Publishes messages: writes their frames, and tracks the broker's confirms.
#pragma once

#include "../../buffer.hpp"
#include "../../connection.hpp"
#include "batch.hpp"
#include "frames.hpp"
#include "names.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// A message to be published: `head`, then `body`.
struct Publication {
    Kind kind = Kind::message;
    std::string routing_key = {};
    std::string head = {};
    Buffer body = {};
    std::string reply_to = {};
    std::string connection = {};                               ///< the only connection that the message is for, if any
    std::optional<std::chrono::milliseconds> expiration = {};  ///< the broker drops it after this time
    bool mandatory = false;                                    ///< the broker returns it if no queue takes it
    SendClass send_class = SendClass::response;

    std::size_t size() const noexcept { return head.size() + body.size(); }
};

/// The writing half of a channel with confirms. Does no I/O; not thread-safe.
class Publisher {
 public:
    explicit Publisher(std::string exchange) : exchange_(std::move(exchange)) {}

    void publish(Publication publication) { publications_.push_back(std::move(publication)); }
    bool empty() const noexcept { return publications_.empty(); }
    /// A message is partly written: nothing else may be written on the channel.
    bool is_within_message() const noexcept { return in_flight_.has_value(); }
    /// Drops waiting messages. The rest of a partly written one must still follow.
    void forget_waiting() noexcept { publications_.clear(); }
    /// Drops everything, because nothing more is written. Not while a batch refers to it.
    void clear() noexcept {
        forget_waiting();
        in_flight_.reset();
    }

    /// Writes the next message, or begins to.
    void write_next(Batch& batch, std::uint16_t channel, std::uint32_t frame_max) {
        Publication next = std::move(publications_.front());
        publications_.pop_front();
        unconfirmed_.push_back({next.send_class, next.size(), next.size() < least_limit ? std::string() : next.head});
        append_head(batch.text(), channel, next);
        if (next.body.size() < large_body) {
            append_small(batch.text(), channel, frame_max, next.head.append(next.body.text()));
        } else {
            in_flight_ = std::move(next);
            flown_ = 0;
        }
    }

    /// Writes the next frame of the begun message. The batch refers to its body.
    void write_on(Batch& batch, std::uint16_t channel, std::uint32_t frame_max) {
        Publication& message = *in_flight_;
        const std::size_t size = std::min(largest_payload(frame_max), message.size() - flown_);
        append_frame_head(batch.text(), channel, size);
        std::size_t in_head = 0;
        if (flown_ < message.head.size()) {
            in_head = std::min(size, message.head.size() - flown_);
            batch.text().append(message.head, flown_, in_head);
        }
        if (in_head != size) {
            batch.refer_to(message.body.text().substr(flown_ + in_head - message.head.size(), size - in_head));
        }
        batch.text() += FrameHead::end;
        flown_ += size;
        if (flown_ == message.size()) {
            batch.keep(std::move(message.body));
            in_flight_.reset();
        }
    }

    /// A message that the broker has not confirmed.
    struct Unconfirmed {
        SendClass send_class;
        std::size_t size;
        std::string head;  ///< empty if the message is smaller than any broker's limit
        bool confirmed = false;
    };

    /// The first unconfirmed message of this size; null if there is none.
    const Unconfirmed* find_unconfirmed(std::size_t size) const {
        const auto found = std::find_if(unconfirmed_.begin(), unconfirmed_.end(), [size](const Unconfirmed& message) {
            return message.size == size && !message.confirmed;
        });
        return found == unconfirmed_.end() ? nullptr : &*found;
    }

    /// The broker has taken the message of this number, or all up to it. Calls `confirmed(send_class, size)` for each.
    template <class Confirmed>
    void confirm(std::uint64_t number, bool multiple, Confirmed confirmed) {
        if (number < first_unconfirmed_ || number - first_unconfirmed_ >= unconfirmed_.size()) {
            return;
        }
        const auto last = static_cast<std::size_t>(number - first_unconfirmed_);
        for (std::size_t index = multiple ? 0 : last; index <= last; ++index) {
            Unconfirmed& message = unconfirmed_[index];
            if (!std::exchange(message.confirmed, true)) {
                confirmed(message.send_class, message.size);
            }
        }
        while (!unconfirmed_.empty() && unconfirmed_.front().confirmed) {
            unconfirmed_.pop_front();
            ++first_unconfirmed_;
        }
    }

 private:
    /// A body of at least this size is referred to instead of copied.
    static constexpr std::size_t large_body = 16 * 1024;
    /// Brokers are assumed to accept smaller messages. `RmqOptions::max_message` is at least this.
    static constexpr std::size_t least_limit = 4096;

    void append_head(std::string& out, std::uint16_t channel, const Publication& publication) const {
        amqp_basic_publish_t method{};
        method.exchange = bytes_of(exchange_);
        method.routing_key = bytes_of(publication.routing_key);
        method.mandatory = publication.mandatory ? 1 : 0;
        append_method(out, channel, AMQP_BASIC_PUBLISH_METHOD, method);
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_TYPE_FLAG;
        properties.type = bytes_of(name_of(publication.kind));
        if (!publication.reply_to.empty()) {
            properties._flags |= AMQP_BASIC_REPLY_TO_FLAG;
            properties.reply_to = bytes_of(publication.reply_to);
        }
        if (!publication.connection.empty()) {
            properties._flags |= AMQP_BASIC_CORRELATION_ID_FLAG;
            properties.correlation_id = bytes_of(publication.connection);
        }
        std::string expiration;
        if (publication.expiration) {
            expiration = std::to_string(publication.expiration->count());
            properties._flags |= AMQP_BASIC_EXPIRATION_FLAG;
            properties.expiration = bytes_of(expiration);
        }
        append_header(out, channel, properties, publication.size());
    }

    static std::size_t largest_payload(std::uint32_t frame_max) noexcept { return frame_max - FrameHead::size - 1; }

    static void append_frame_head(std::string& out, std::uint16_t channel, std::size_t payload) {
        out.resize(out.size() + FrameHead::size);
        FrameHead{AMQP_FRAME_BODY, channel, static_cast<std::uint32_t>(payload)}.store(out.data() + out.size() -
                                                                                       FrameHead::size);
    }

    static void append_small(std::string& out, std::uint16_t channel, std::uint32_t frame_max, std::string_view body) {
        while (!body.empty()) {
            const std::string_view payload = body.substr(0, largest_payload(frame_max));
            append_frame_head(out, channel, payload.size());
            out += payload;
            out += FrameHead::end;
            body.remove_prefix(payload.size());
        }
    }

    const std::string exchange_;
    std::deque<Publication> publications_;
    std::optional<Publication> in_flight_;  // a large message, written frame by frame
    std::size_t flown_ = 0;                 // bytes of it written so far
    std::deque<Unconfirmed> unconfirmed_;
    std::uint64_t first_unconfirmed_ = 1;
};

}  // namespace communica::rabbitmq
