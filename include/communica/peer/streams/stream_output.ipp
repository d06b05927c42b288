#pragma once

#include "stream_output.hpp"

#include <algorithm>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE Buffer StreamOutput::make_item() {
    Buffer item;
    item.extend(first_item + wire::ItemHead::size)[0] = static_cast<char>(wire::StreamFrame::items);
    return item;
}

COMMUNICA_INLINE void StreamOutput::add(Buffer&& item) {
    wire::ItemHead{static_cast<std::uint32_t>(size_of(item))}.store(item.data() + first_item);
    if (unsent_queue_) {
        unsent_queue_->append(item.text().substr(first_item));
    } else {
        unsent_queue_ = std::make_unique<Buffer>(std::move(item));
    }
    ++outbox_items_;
}

COMMUNICA_INLINE void StreamOutput::give(wire::StreamCredit credit, std::uint64_t items_read) {
    if (items_read < items_read_ || items_read > items_sent_) {
        wire::throw_stream_error("says that other items were read than were sent");
    }
    items_read_ = items_read;
    give(credit);
}

COMMUNICA_INLINE StreamOutput::Sent StreamOutput::send(Connection& connection, std::string_view metadata) {
    while (unsent() != 0) {
        if (!cut_) {
            if (items_credit_ == 0 || bytes_credit_ <= wire::ItemHead::size) {
                if (!std::exchange(has_said_blocked_, true)) {
                    Buffer blocked;
                    blocked.push_back(static_cast<char>(wire::StreamFrame::blocked));
                    connection.send(SendClass::response, metadata, blocked);
                }
                return Sent::no_credit;
            }
            if (unsent() > bytes_credit_ || outbox_items_ > items_credit_ || unsent_queue_->size() > max_body) {
                cut();
            }
        }
        std::unique_ptr<Buffer>& message = cut_ ? cut_ : unsent_queue_;
        std::uint32_t& items = cut_ ? cut_items_ : outbox_items_;
        const std::size_t size = message->size() - first_item;
        if (!connection.send(SendClass::stream, metadata, *message)) {
            return Sent::no_room;
        }
        message.reset();
        bytes_credit_ -= size;
        items_credit_ -= items;
        items_sent_ += std::exchange(items, 0);
        has_said_blocked_ = false;
    }
    return Sent::all;
}

/// Makes a message of as many items as there is credit for, or of a part of the first.
COMMUNICA_INLINE void StreamOutput::cut() {
    auto room = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_credit_, max_body - first_item));
    auto message = std::make_unique<Buffer>();
    message->push_back(static_cast<char>(wire::StreamFrame::items));
    char* at = unsent_queue_->data() + first_item;
    const char* const end = unsent_queue_->data() + unsent_queue_->size();
    std::uint32_t items = 0;
    while (at != end && items != items_credit_) {
        const auto head = wire::ItemHead::load(at);
        const std::size_t size = wire::ItemHead::size + head.length;
        if (size <= room) {
            message->append(at, size);
            at += size;
            room -= size;
            ++items;
            continue;
        }
        if (items == 0) {
            const auto part = static_cast<std::uint32_t>(room - wire::ItemHead::size);
            wire::ItemHead{part, true}.store(message->extend(wire::ItemHead::size));
            message->append(at + wire::ItemHead::size, part);
            at += part;  // the head of the rest overwrites the last bytes of the part
            wire::ItemHead{head.length - part}.store(at);
        }
        break;
    }
    unsent_queue_->drop_front(static_cast<std::size_t>(at - unsent_queue_->data()) - first_item);
    unsent_queue_->data()[0] = static_cast<char>(wire::StreamFrame::items);
    outbox_items_ -= items;
    cut_items_ = items;
    cut_ = std::move(message);
    if (unsent_queue_->size() == first_item) {
        unsent_queue_.reset();
    }
}

}  // namespace communica::peer
