// What is written at one end of a stream, and the credit that there is for it.
#pragma once

#include "../../connection.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/stream_body.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace communica::peer {

/// Items that wait to be sent: gathered into messages as large as there is credit for, and cut where one is larger. Not
/// thread-safe.
class StreamOutput {
 public:
    /// With so many bytes that wait a writer should.
    static constexpr std::size_t full = 64 * 1024;

    /// A buffer for an item, to be filled behind what it holds and given to `add`.
    static Buffer make_item();
    static std::size_t size_of(const Buffer& item) noexcept { return item.size() - first_item - wire::ItemHead::size; }

    /// Takes an item of at most `ItemHead::most` bytes.
    void add(Buffer&& item);

    /// What the other side takes, and at first takes no less.
    void give(wire::StreamCredit credit) noexcept {
        bytes_credit_ += credit.bytes;
        items_credit_ += credit.items;
    }
    /// The same, and how many items its reader has read. Throws where those are more than were sent.
    void give(wire::StreamCredit credit, std::uint64_t items_read);

    /// Bytes that wait.
    std::size_t unsent() const noexcept {
        return (unsent_queue_ ? unsent_queue_->size() - first_item : 0) + (cut_ ? cut_->size() - first_item : 0);
    }
    bool is_full() const noexcept { return unsent() >= full; }
    std::uint64_t items_sent() const noexcept { return items_sent_; }
    std::uint64_t items_read() const noexcept { return items_read_; }

    enum class Sent { all, no_room, no_credit };

    /// Sends what waits, as far as there is credit for it and room on the connection.
    Sent send(Connection& connection, std::string_view metadata);

    void drop() noexcept {
        unsent_queue_.reset();
        cut_.reset();
    }

 private:
    /// In front of the items of a message stands the kind of it.
    static constexpr std::size_t first_item = 1;
    /// So that the message with its metadata fits what streams may have queued.
    static constexpr std::size_t max_body = 64 * 1024 + 64;

    void cut();

    std::unique_ptr<Buffer> unsent_queue_;  // a message's first byte, and items behind it
    std::unique_ptr<Buffer> cut_;           // a message made of the first of them
    std::size_t outbox_items_ = 0;
    std::size_t cut_items_ = 0;
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
