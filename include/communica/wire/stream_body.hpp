// The body of a stream message: items, credit, or the end (docs/protocol.md, "Streams").
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"
#include "big_endian.hpp"
#include "metadata.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace communica::wire {

/// The first byte of a stream message's body.
enum class StreamFrame : std::uint8_t {
    items = 1,    ///< items or parts of items: each a length and its bytes
    credit = 2,   ///< the sender accepts this many more bytes and items
    blocked = 3,  ///< the sender has more items than credit
    finish = 4,   ///< no more items; from the side that did not open the stream also its result
    error = 5,    ///< the stream has failed or is cancelled: a type and the body of an error
};

[[noreturn]] inline void throw_stream_error(const char* what) {
    throw MessageError(errc::protocol_error, std::string("a stream message ") + what, {});
}

/// The bytes and items that the peer may still send. Bytes include the heads of items.
struct StreamCredit {
    static constexpr std::size_t size = 8;
    std::uint32_t bytes = 0;
    std::uint32_t items = 0;

    void store(char* at) const noexcept {
        store_u32(at, bytes);
        store_u32(at + 4, items);
    }

    /// Throws if there are too few bytes.
    static StreamCredit load(std::string_view text) {
        if (text.size() < size) {
            throw_stream_error("is too short for its credit");
        }
        return {load_u32(&text.front()), load_u32(text.data() + 4)};
    }
};

/// The head of an item, or of a part of one.
struct ItemHead {
    static constexpr std::size_t size = 4;
    static constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max() >> 1;

    std::uint32_t length = 0;
    bool is_part = false;  ///< the next head continues this item

    void store(char* at) const noexcept { store_u32(at, length | (is_part ? ~most : 0)); }
    static ItemHead load(const char* at) noexcept {
        const std::uint32_t word = load_u32(at);
        return {word & most, word > most};
    }
};

/// Reads items from a sequence of them.
class ItemReader {
 public:
    explicit ItemReader(std::string_view text) noexcept : rest_(text) {}

    /// Returns false at the end. Throws if the sequence ends within an item.
    bool next() {
        if (rest_.empty()) {
            return false;
        }
        if (rest_.size() < ItemHead::size) {
            throw_stream_error("ends within the head of an item");
        }
        head_ = ItemHead::load(&rest_.front());
        if (head_.length > rest_.size() - ItemHead::size) {
            throw_stream_error("ends within an item");
        }
        item_ = rest_.substr(ItemHead::size, head_.length);
        rest_.remove_prefix(ItemHead::size + head_.length);
        return true;
    }

    bool is_part() const noexcept { return head_.is_part; }
    std::string_view item() const noexcept { return item_; }
    /// The bytes behind the item.
    std::string_view rest() const noexcept { return rest_; }

 private:
    std::string_view rest_;
    std::string_view item_;
    ItemHead head_;
};

}  // namespace communica::wire
