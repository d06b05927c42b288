// The receiving half of a stream's end, and the credit that it gives.
#pragma once

#include "../../buffer.hpp"
#include "../../limits.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/stream_body.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace communica::peer {

/// Items taken from a `StreamInput`, which one reader reads without its lock.
struct StreamReading {
    std::unique_ptr<Buffer> items;
    std::size_t at = 0;                // offset of the next item
    std::uint32_t consumed_bytes = 0;  // not yet reported to the input
    std::uint32_t consumed_items = 0;
    std::uint32_t tell_bytes = 0;  // reports when it has consumed this many
    std::uint32_t tell_items = 0;

    bool is_empty() const noexcept { return !items || at >= items->size(); }
    bool has_to_tell() const noexcept { return consumed_bytes >= tell_bytes || consumed_items >= tell_items; }

    /// Returns the next item, which must exist. `backing_buffer` is its buffer if no other item is in there; otherwise
    /// null.
    Bytes next(Buffer*& backing_buffer) noexcept;
};

/// Received items that the reader has not taken: at most as many as there was credit for. Credit is given again as
/// items are read. The window grows if the reader waits while the peer has no credit. Not thread-safe.
class StreamInput {
 public:
    /// Returns the first credit of the peer.
    wire::StreamCredit open(const Limits& limits);

    bool is_open() const noexcept { return window_bytes_ != 0; }
    bool has_items() const noexcept { return inbox_ != nullptr; }
    /// True if no more items arrive.
    bool has_all() const noexcept { return has_all_; }
    /// Bytes held here and by the reader.
    std::size_t held() const noexcept;

    /// Adds received items. Returns false if an item is too large. Throws, which ends the connection, if the peer
    /// breaks the protocol. `backing_buffer`: the buffer that holds the items, if it may be taken.
    bool add(std::string_view items, Buffer* backing_buffer);
    /// The peer reports that it has no credit. Returns false if that is out of date, because credit was sent meanwhile.
    bool on_blocked() noexcept {
        const bool has_none = bytes_allowed_ <= wire::ItemHead::size || items_allowed_ == 0;
        is_other_blocked_ = is_open() && !has_all_ && has_none;
        return is_other_blocked_;
    }
    /// Throws if the end is inside an item.
    void on_finish();

    /// Reports the consumed items, and takes the received ones. Returns whether there were any.
    bool take(StreamReading& reading);
    void tell(StreamReading& reading) noexcept;

    /// A report to the peer: more credit, and the number of items read.
    struct Due {
        wire::StreamCredit credit;
        std::uint64_t items_read;
    };
    /// Returns the report that is due now, if any. `may_grow`: there is memory for a larger window.
    std::optional<Due> due(bool may_grow = true);

    void drop() noexcept {
        inbox_.reset();
        partial_.reset();
    }

 private:
    bool add_one(const wire::ItemReader& item);
    Buffer& inbox();
    void grow() noexcept;

    std::unique_ptr<Buffer> inbox_;    // complete items
    std::unique_ptr<Buffer> partial_;  // an item of which parts have arrived
    std::size_t reading_size_ = 0;     // bytes that the reader has taken
    std::uint64_t all_read_ = 0;       // number of items
    // At most `ItemHead::most` each:
    std::uint32_t partial_charge_ = 0;  // bytes of `partial_` for which no credit was given
    std::uint32_t read_bytes_ = 0;      // without new credit
    std::uint32_t read_items_ = 0;
    std::uint32_t window_bytes_ = 0;
    std::uint32_t window_items_ = 0;
    std::uint32_t max_window_ = 0;
    std::uint32_t max_item_ = 0;
    std::uint32_t bytes_allowed_ = 0;  // to the peer, and not used
    std::uint32_t items_allowed_ = 0;
    bool is_reader_idle_ = false;  // it found no items
    bool is_other_blocked_ = false;
    bool has_all_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_input.ipp"
#endif
