// How a queue gets a new reader.
#pragma once

#include "../../asio.hpp"
#include "channel.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Until nobody reads the queue, or some time has passed.
inline asio::awaitable<Queue> wait_for_no_reader(std::shared_ptr<Channel> channel, std::string name) {
    constexpr std::chrono::milliseconds look_again{20};
    constexpr std::chrono::seconds at_most{1};
    asio::steady_timer timer(channel->link().strand());
    const auto deadline = std::chrono::steady_clock::now() + at_most;
    for (;;) {
        Queue queue = co_await channel->look_at(name);
        if (queue.consumers == 0 || std::chrono::steady_clock::now() > deadline) {
            co_return queue;
        }
        timer.expires_after(look_again);
        co_await timer.async_wait(no_throw);
    }
}

/// Who has read the queue until now is told to stop: another process with the same client id, or a server that does not know
/// yet that its client has moved. Where one does not, the queue can't be read until the broker finds out that it is dead, by
/// its heartbeats. Gives how many messages waited in the queue then. `token` is what the new reader knows its own word by.
inline asio::awaitable<std::uint32_t> take_over(std::shared_ptr<Channel> channel, std::string name, std::string token) {
    constexpr std::chrono::seconds expiration{5};  // nobody else is to hear it
    Queue queue = co_await channel->look_at(name);
    if (queue.consumers != 0) {
        Publication word{.kind = Kind::taken_over, .routing_key = name};
        word.head = std::move(token);
        word.expiration = expiration;
        channel->publish(std::move(word));
        queue = co_await wait_for_no_reader(channel, name);
    }
    co_return queue.messages;
}

}  // namespace communica::rabbitmq
