// The two queues of the handshake, one for each direction.
#pragma once

#include "channel.hpp"
#include "names.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// The queues of the hellos, and the messages received. Used on the link's strand.
class Greeting {
 public:
    struct Word {
        Kind kind;
        std::string body;
        std::string reply_to;
    };

    const std::string& own_queue() const noexcept { return own_queue_; }
    const std::string& other_queue() const noexcept { return other_queue_; }
    /// A name that is the same on both sides.
    std::string names() const {
        const auto [first, second] = std::minmax(own_queue_, other_queue_);
        return first + " " + second;
    }
    void set_other_queue(std::string name) { other_queue_ = std::move(name); }

    /// Declares this side's queue, for this side's link alone.
    asio::awaitable<void> open(Channel& channel) {  // NOLINT(*-reference-coroutine-parameters): the caller awaits it
        own_queue_ = co_await channel.declare_exclusive();
        is_open_ = true;
    }
    asio::awaitable<void> listen(Channel& channel) { return channel.consume(own_queue_, Channel::Acknowledge::never); }
    void close(Channel& channel) {
        if (std::exchange(is_open_, false)) {
            channel.delete_queue(own_queue_);
        }
    }

    void say(Channel& channel, Kind kind, std::string body, std::string reply_to = {}) {
        Publication publication{.kind = kind, .routing_key = other_queue_, .mandatory = true};
        publication.head = std::move(body);
        publication.reply_to = std::move(reply_to);
        channel.publish(std::move(publication));
    }

    void push(const Delivery& delivery) {
        if (words_.size() < most_words) {
            words_.push_back({delivery.kind, std::string(delivery.body), std::string(delivery.reply_to)});
        }
    }
    bool empty() const noexcept { return words_.empty(); }
    Word pop() {
        Word word = std::move(words_.front());
        words_.pop_front();
        return word;
    }

 private:
    /// More than the messages of any handshake.
    static constexpr std::size_t most_words = 8;

    std::string own_queue_;
    std::string other_queue_;
    bool is_open_ = false;
    std::deque<Word> words_;
};

}  // namespace communica::rabbitmq
