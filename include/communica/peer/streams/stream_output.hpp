// The sending half of a stream's end, and its credit.
#pragma once

#include "../../connection.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/stream_body.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace communica::peer {

/// Items that wait to be sent: combined into messages as large as the credit permits, and split if they are larger. Not
/// thread-safe.
class StreamOutput {
 public:
    /// With this many waiting bytes, a writer should wait.
    static constexpr std::size_t full = 64 * 1024;

    /// Returns a buffer for an item. The item is appended to it, and the buffer given to `add`.
    static Buffer make_item();
    static std::size_t size_of(const Buffer& item) noexcept { return item.size() - first_item - wire::ItemHead::size; }

    /// Adds an item of at most `ItemHead::most` bytes.
    void add(Buffer&& item);

    /// Adds the peer's credit.
    void give(wire::StreamCredit credit) noexcept {
        bytes_credit_ += credit.bytes;
        items_credit_ += credit.items;
    }
    /// Adds the peer's credit, and the number of items that its reader has read. Throws if that is less than before, or
    /// more than were sent.
    void give(wire::StreamCredit credit, std::uint64_t items_read);

    /// Bytes that wait to be sent.
    std::size_t unsent() const noexcept {
        return (unsent_queue_ ? unsent_queue_->size() - first_item : 0) + (cut_ ? cut_->size() - first_item : 0);
    }
    bool is_full() const noexcept { return unsent() >= full; }
    std::uint64_t items_sent() const noexcept { return items_sent_; }
    std::uint64_t items_read() const noexcept { return items_read_; }

    enum class Sent { all, no_room, no_credit };

    /// Sends waiting items, as far as there is credit and room on the connection.
    Sent send(Connection& connection, std::string_view metadata);

    void drop() noexcept {
        unsent_queue_.reset();
        cut_.reset();
    }

 private:
    /// The first byte of a message is its kind; the items follow.
    static constexpr std::size_t first_item = 1;
    /// Chosen so that a message with its metadata fits the bytes that streams may have queued.
    static constexpr std::size_t max_body = 64 * 1024 + 64;

    void cut();

    std::unique_ptr<Buffer> unsent_queue_;  // a message: its first byte and the items
    std::unique_ptr<Buffer> cut_;           // a message cut off the front of it
    std::uint32_t outbox_items_ = 0;        // fewer than the bytes of a message of them
    std::uint32_t cut_items_ = 0;
    std::uint64_t bytes_credit_ = 0;
    std::uint64_t items_credit_ = 0;
    std::uint64_t items_sent_ = 0;
    std::uint64_t items_read_ = 0;
    bool has_said_blocked_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_output.ipp"
#endif
