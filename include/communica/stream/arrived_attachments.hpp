// The descriptors of messages that arrive.
#pragma once

#include "../attachments.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame.hpp"
#include "../wire/frame_reader.hpp"
#include "traits.hpp"

#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

namespace communica::stream {

/// Handles the frames about descriptors, and keeps those that arrived until their message has.
class ArrivedAttachments {
 public:
    explicit ArrivedAttachments(const ConnectionOptions& options)
        : most_(options.limits.max_descriptors), share_(std::make_shared<base::AttachmentShare>(options.descriptors)) {}

    /// Does the next message have some?
    bool has_next() const noexcept { return next_ != nullptr; }
    std::shared_ptr<base::Attachments> take() noexcept { return std::move(next_); }
    void close() noexcept { next_.reset(); }

    /// Adds a chunk. Returns true if its message is whole and the next.
    bool add_chunk(wire::ChunkAssembler& chunks, wire::Frame& frame) {
        if (frame.index == 0) {
            of_chunks_ = std::move(next_);
        }
        const bool is_message = chunks.add(frame);
        if (is_message) {
            next_ = std::move(of_chunks_);
        }
        return is_message;
    }

    template <class Stream, class Writer>
    [[gnu::noinline]] void on_frame(const wire::Frame& frame, Stream& stream, Writer& writer) {
        if constexpr (PassesDescriptors<Stream>) {
            if (frame.kind == wire::Frame::Kind::permit_descriptors) {
                if (writer.use_queue([](auto& queue) { return queue.permit_descriptors(); })) {
                    return;
                }
            } else if (frame.kind == wire::Frame::Kind::ask_for_descriptors) {
                if (most_ != 0 && next_ == nullptr && stream.expect_descriptors()) {
                    // A peer that does not read permissions is cut off.
                    return writer.send_frame(SendClass::rejection, wire::permit_descriptors_frame, true);
                }
            } else if (frame.total <= most_ && stream.expects_descriptors()) {
                next_ = stream.take_descriptors(frame.total, share_);
                return;
            }
        }
        throw std::system_error(errc::protocol_error, "descriptors that were not asked for, or too many");
    }

 private:
    const std::size_t most_;
    const std::shared_ptr<base::AttachmentShare> share_;
    std::shared_ptr<base::Attachments> next_;
    std::shared_ptr<base::Attachments> of_chunks_;  // of the message whose chunks arrive
};

}  // namespace communica::stream
