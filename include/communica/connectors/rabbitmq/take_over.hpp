// Takes over a queue from its previous consumer.
#pragma once

#include "../../asio.hpp"
#include "channel.hpp"
#include "settings.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Waits until the queue has no consumer, at most a second.
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

/// Tells the queue's present consumer to stop: another process with the same client id, or a server that does not know
/// yet that its client has moved. Throws if it does not, until the broker's heartbeats detect that it is dead. Returns
/// the number of messages in the queue at that time. `token` identifies the new consumer's own message.
inline asio::awaitable<std::uint32_t> take_over(std::shared_ptr<Channel> channel, std::string name, std::string token) {
    constexpr std::chrono::seconds expiration{5};  // no later consumer may receive it
    Queue queue = co_await channel->look_at(name);
    if (queue.consumers != 0) {
        Publication word{.kind = Kind::taken_over, .routing_key = name};
        word.head = std::move(token);
        word.expiration = expiration;
        channel->publish(std::move(word));
        queue = co_await wait_for_no_reader(channel, name);
        if (queue.consumers != 0) {
            throw MessageError(errc::connection_lost, "another still reads the queue " + name, {});
        }
    }
    co_return queue.messages;
}

/// Reads a queue as its only consumer. The broker refuses a second consumer itself, but not on quorum queues. So this
/// looks for one; if there is one, it stops, waits for a random time, and tries again. If two began at the same moment,
/// the first to return reads, and the other one throws.
inline asio::awaitable<void> read_alone(std::shared_ptr<Channel> channel, std::string name) {
    co_await channel->consume(name, Channel::Acknowledge::after, true);
    if ((co_await channel->look_at(name)).consumers > 1) {
        co_await channel->stop_consuming();
        asio::steady_timer timer(channel->link().strand());
        timer.expires_after(std::chrono::milliseconds{2} * static_cast<unsigned char>(random_bytes(1).front()));
        co_await timer.async_wait(no_throw);
        if ((co_await channel->look_at(name)).consumers == 0) {
            co_await channel->consume(name, Channel::Acknowledge::after, true);
            if ((co_await channel->look_at(name)).consumers == 1) {
                co_return;
            }
        }
        throw MessageError(errc::connection_lost, "another reads the queue " + name, {});
    }
}

}  // namespace communica::rabbitmq
