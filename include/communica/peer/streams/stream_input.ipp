#pragma once

#include "stream_input.hpp"

#include <algorithm>
#include <utility>

namespace communica::peer {

namespace detail {

/// An item that arrived in parts: its head is followed by its charge, the bytes for which credit is given when it is
/// read.
inline constexpr std::size_t charged_head = wire::ItemHead::size + 4;

}  // namespace detail

COMMUNICA_INLINE Bytes StreamReading::next(Buffer*& backing_buffer) noexcept {
    const char* const begin = items->data() + at;
    const auto head = wire::ItemHead::load(begin);
    const std::size_t head_size = head.is_part ? detail::charged_head : wire::ItemHead::size;
    backing_buffer = at == 0 && head_size + head.length == items->size() ? items.get() : nullptr;
    at += head_size + head.length;
    consumed_bytes += head.is_part ? wire::load_u32(begin + wire::ItemHead::size)
                                   : static_cast<std::uint32_t>(wire::ItemHead::size) + head.length;
    ++consumed_items;
    return as_bytes(std::string_view(begin + head_size, head.length));
}

COMMUNICA_INLINE wire::StreamCredit StreamInput::open(const Limits& limits) {
    const auto within = [](std::size_t size, std::uint32_t least) {
        return static_cast<std::uint32_t>(std::clamp<std::size_t>(size, least, wire::ItemHead::most));
    };
    window_bytes_ = within(limits.stream_window, 1024);
    window_items_ = within(limits.stream_items, 1);
    max_window_ = within(limits.max_stream_window, window_bytes_);
    max_item_ = within(limits.max_message, 0);
    bytes_allowed_ = window_bytes_;
    items_allowed_ = window_items_;
    return {window_bytes_, window_items_};
}

COMMUNICA_INLINE std::size_t StreamInput::held() const noexcept {
    return (inbox_ ? inbox_->capacity() : 0) + (partial_ ? partial_->capacity() : 0) + reading_size_;
}

COMMUNICA_INLINE bool StreamInput::add(std::string_view items, Buffer* backing_buffer) {
    if (has_all_ || items.empty()) {
        wire::throw_stream_error(has_all_ ? "has items behind the end of them" : "has no items");
    }
    std::uint32_t whole = 0;
    bool has_parts = partial_ != nullptr;
    for (wire::ItemReader item(items); item.next();) {
        whole += item.is_part() ? 0 : 1;
        has_parts = has_parts || item.is_part();
    }
    if (items.size() > bytes_allowed_ || whole > items_allowed_) {
        wire::throw_stream_error("has more items than there was credit for");
    }
    bytes_allowed_ -= static_cast<std::uint32_t>(items.size());
    items_allowed_ -= whole;
    is_other_blocked_ = false;
    if (has_parts) {
        for (wire::ItemReader item(items); item.next();) {
            if (!add_one(item)) {
                return false;
            }
        }
    } else if (!inbox_ && backing_buffer != nullptr) {
        const auto begin = static_cast<std::size_t>(items.data() - backing_buffer->data());
        inbox_ = std::make_unique<Buffer>(std::move(*backing_buffer));
        inbox_->truncate(begin + items.size());
        inbox_->drop_front(begin);
    } else {
        inbox().append(items);
    }
    is_reader_idle_ = is_reader_idle_ && !inbox_;
    return true;
}

COMMUNICA_INLINE bool StreamInput::add_one(const wire::ItemReader& item) {
    const std::string_view text = item.item();
    if (!partial_ && !item.is_part()) {
        wire::ItemHead{static_cast<std::uint32_t>(text.size())}.store(inbox().extend(wire::ItemHead::size));
        inbox().append(text);
        return true;
    }
    if (!partial_) {
        partial_ = std::make_unique<Buffer>();
        partial_->extend(detail::charged_head);
    }
    const std::size_t size = partial_->size() - detail::charged_head + text.size();
    if (size > max_item_) {
        return false;
    }
    partial_->append(text);
    partial_charge_ += static_cast<std::uint32_t>(wire::ItemHead::size + text.size());
    if (!item.is_part()) {
        wire::ItemHead{static_cast<std::uint32_t>(size), true}.store(partial_->data());
        wire::store_u32(partial_->data() + wire::ItemHead::size, std::exchange(partial_charge_, 0));
        if (inbox_) {
            inbox_->append(partial_->text());
            partial_.reset();
        } else {
            inbox_ = std::move(partial_);
        }
    }
    return true;
}

COMMUNICA_INLINE Buffer& StreamInput::inbox() {
    if (!inbox_) {
        inbox_ = std::make_unique<Buffer>();
    }
    return *inbox_;
}

COMMUNICA_INLINE void StreamInput::on_finish() {
    if (partial_ || has_all_) {
        wire::throw_stream_error(has_all_ ? "ends what has ended" : "ends the stream within an item");
    }
    has_all_ = true;
}

COMMUNICA_INLINE bool StreamInput::take(StreamReading& reading) {
    tell(reading);
    reading.items = std::move(inbox_);
    reading.at = 0;
    reading_size_ = reading.items ? reading.items->capacity() : 0;
    is_reader_idle_ = reading.items == nullptr;
    return !is_reader_idle_;
}

COMMUNICA_INLINE void StreamInput::tell(StreamReading& reading) noexcept {
    all_read_ += reading.consumed_items;
    read_items_ += std::exchange(reading.consumed_items, 0);
    read_bytes_ += std::exchange(reading.consumed_bytes, 0);
    reading.tell_bytes = (window_bytes_ + 1) / 2;
    reading.tell_items = (window_items_ + 1) / 2;
}

COMMUNICA_INLINE std::optional<StreamInput::Due> StreamInput::due(bool may_grow) {
    if (is_reader_idle_) {  // the rest of this item must arrive first
        read_bytes_ += std::exchange(partial_charge_, 0);
    }
    const bool is_awaited = is_other_blocked_ && is_reader_idle_;
    if (has_all_ || (!is_awaited && read_bytes_ < (window_bytes_ + 1) / 2 && read_items_ < (window_items_ + 1) / 2)) {
        return std::nullopt;
    }
    if (is_awaited && may_grow) {  // both sides wait for a larger window
        grow();
    }
    if (read_bytes_ == 0 && read_items_ == 0) {
        return std::nullopt;
    }
    is_other_blocked_ = false;
    const wire::StreamCredit credit{read_bytes_, read_items_};
    bytes_allowed_ += std::exchange(read_bytes_, 0);
    items_allowed_ += std::exchange(read_items_, 0);
    return Due{credit, all_read_};
}

COMMUNICA_INLINE void StreamInput::grow() noexcept {
    const std::uint32_t bytes = std::min(window_bytes_, max_window_ - window_bytes_);
    if (bytes != 0) {
        const std::uint32_t items = std::min(window_items_, wire::ItemHead::most - window_items_);
        window_bytes_ += bytes;
        window_items_ += items;
        read_bytes_ += bytes;
        read_items_ += items;
    }
}

}  // namespace communica::peer
