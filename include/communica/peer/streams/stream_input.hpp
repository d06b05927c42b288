// What comes in at one end of a stream, and the credit that is given for more.
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

/// Items that were taken over from a `StreamInput` and are read one by one, without its lock. For one reader.
struct StreamReading {
    std::unique_ptr<Buffer> items;
    std::size_t at = 0;              // the next of them
    std::size_t consumed_bytes = 0;  // that the input was not told of
    std::size_t consumed_items = 0;
    std::size_t tell_bytes = 0;  // with so many it is told
    std::size_t tell_items = 0;

    bool is_empty() const noexcept { return !items || at >= items->size(); }
    bool has_to_tell() const noexcept { return consumed_bytes >= tell_bytes || consumed_items >= tell_items; }

    /// Takes the next item, which there is. `memory` is where it lies, if it lies there alone.
    Bytes next(Buffer*& backing_buffer) noexcept;
};

/// Items that have come and were not taken over, at most as many as there was credit for. Its window is given again as they are
/// read, and grows where a reader waits while the other side has no credit. Not thread-safe.
class StreamInput {
 public:
    /// What the other side may send at first.
    wire::StreamCredit open(const Limits& limits);

    bool is_open() const noexcept { return window_bytes_ != 0; }
    bool has_items() const noexcept { return inbox_ != nullptr; }
    /// Nothing more comes.
    bool has_all() const noexcept { return has_all_; }
    /// Bytes that are held here, and by the reader.
    std::size_t held() const noexcept;

    /// Says false where an item has become too large. Throws, which ends the connection, where the other side breaks the protocol.
    /// `memory`: where the items lie, if it may be had.
    bool add(std::string_view items, Buffer* backing_buffer);
    /// The other side has no credit. Says false where that is not so any more: it has crossed what it was given.
    bool on_blocked() noexcept {
        const bool has_none = bytes_allowed_ <= wire::ItemHead::size || items_allowed_ == 0;
        is_other_blocked_ = is_open() && !has_all_ && has_none;
        return is_other_blocked_;
    }
    /// Throws where the end comes within an item.
    void on_finish();

    /// The reader tells what it has consumed, and takes over what has come. Says whether there was anything.
    bool take(StreamReading& reading);
    void tell(StreamReading& reading) noexcept;

    /// What the other side should be told now, if anything: more credit, and how many items were read.
    struct Due {
        wire::StreamCredit credit;
        std::uint64_t items_read;
    };
    /// Where there is memory to spare the window `may_grow`.
    std::optional<Due> due(bool may_grow = true);

    void drop() noexcept {
        inbox_.reset();
        partial_.reset();
    }

 private:
    bool add_one(const wire::ItemReader& item);
    Buffer& inbox();
    void grow() noexcept;

    std::unique_ptr<Buffer> inbox_;    // whole items
    std::unique_ptr<Buffer> partial_;  // the item of which parts have come
    std::size_t partial_charge_ = 0;   // bytes of it that no credit was given for
    std::size_t reading_size_ = 0;     // of what the reader has taken over
    std::size_t read_bytes_ = 0;       // that no credit was given for
    std::size_t read_items_ = 0;
    std::uint64_t all_read_ = 0;  // items
    std::size_t window_bytes_ = 0;
    std::size_t window_items_ = 0;
    std::size_t max_window_ = 0;
    std::size_t max_item_ = 0;
    std::uint64_t bytes_allowed_ = 0;  // that may still come
    std::uint64_t items_allowed_ = 0;
    bool is_reader_idle_ = false;  // it has found nothing
    bool is_other_blocked_ = false;
    bool has_all_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_input.ipp"
#endif
