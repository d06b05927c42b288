// The bytes of one write to the broker.
#pragma once

#include "../../asio.hpp"
#include "../../buffer.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// Copies small pieces one behind the other. Refers to large ones, and keeps their owners. Not thread-safe.
class Batch {
 public:
    /// The limit of one write. A larger one would delay the other channels and the other work of the thread.
    static constexpr std::size_t enough = 256 * 1024;

    bool empty() const noexcept { return size() == 0; }
    bool is_full() const noexcept { return size() >= enough; }
    std::size_t size() const noexcept { return text_.size() + large_bytes_; }

    /// To append to.
    std::string& text() noexcept { return text_; }
    /// Adds bytes without copying. They must be valid until `clear`.
    void refer_to(std::string_view bytes) {
        large_.push_back({text_.size(), bytes});
        large_bytes_ += bytes.size();
    }
    /// Owns the bytes that the batch refers to.
    void keep(Buffer bytes) { buffers_kept_.push_back(std::move(bytes)); }
    void keep(std::shared_ptr<const void> owner) { owners_kept_.push_back(std::move(owner)); }

    /// All bytes in order. Valid until something is added.
    std::span<const asio::const_buffer> buffers() {
        buffers_.clear();
        std::size_t at = 0;
        for (const auto& [position, bytes] : large_) {
            if (position != at) {
                buffers_.emplace_back(text_.data() + at, position - at);
                at = position;
            }
            buffers_.emplace_back(bytes.data(), bytes.size());
        }
        if (at != text_.size()) {
            buffers_.emplace_back(text_.data() + at, text_.size() - at);
        }
        return buffers_;
    }

    void clear() noexcept {
        text_.clear();
        large_.clear();
        large_bytes_ = 0;
        buffers_kept_.clear();
        owners_kept_.clear();
    }

 private:
    struct Large {
        std::size_t position;  // in the text, whose rest is written after these bytes
        std::string_view bytes;
    };

    std::string text_;
    std::vector<Large> large_;
    std::size_t large_bytes_ = 0;
    std::vector<Buffer> buffers_kept_;
    std::vector<std::shared_ptr<const void>> owners_kept_;
    std::vector<asio::const_buffer> buffers_;
};

}  // namespace communica::rabbitmq
