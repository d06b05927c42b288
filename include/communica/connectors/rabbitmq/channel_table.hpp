// The channels of a link, by number.
#pragma once

#include "channel_end.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// Assigns numbers from 1 on, and reuses free ones. Not thread-safe.
class ChannelTable {
 public:
    using Channels = std::map<std::uint16_t, std::shared_ptr<ChannelEnd>>;

    std::uint16_t add(std::shared_ptr<ChannelEnd> channel) {
        std::uint16_t number = 1;
        if (!free_.empty()) {
            number = free_.back();
            free_.pop_back();
        } else if (!channels_.empty()) {
            number = static_cast<std::uint16_t>(channels_.rbegin()->first + 1);
        }
        channels_.emplace(number, std::move(channel));
        return number;
    }
    void remove(std::uint16_t number) {
        if (channels_.erase(number) != 0) {
            free_.push_back(number);
        }
    }

    std::shared_ptr<ChannelEnd> find(std::uint16_t number) const {
        const auto found = channels_.find(number);
        return found == channels_.end() ? nullptr : found->second;
    }
    const Channels& all() const noexcept { return channels_; }
    bool empty() const noexcept { return channels_.empty(); }
    std::size_t size() const noexcept { return channels_.size(); }
    bool all_are_closing() const {
        return std::all_of(channels_.begin(), channels_.end(),
                           [](const auto& channel) { return channel.second->is_closing(); });
    }

    Channels take_all() { return std::exchange(channels_, {}); }

 private:
    Channels channels_;
    std::vector<std::uint16_t> free_;  // below the highest one
};

}  // namespace communica::rabbitmq
