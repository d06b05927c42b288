// How a queue gets a new reader.
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
/// yet that its client has moved. Where one does not, this throws, until the broker finds out that it is dead, by its
/// heartbeats. Gives how many messages waited in the queue then. `token` is what the new reader knows its own word by.
inline asio::awaitable<std::uint32_t> take_over(std::shared_ptr<Channel> channel, std::string name, std::string token) {
    constexpr std::chrono::seconds expiration{5};  // nobody else is to hear it
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

/// Reads a queue that nobody else reads. The broker refuses a second reader itself, but not where it is a quorum queue: so this
/// looks for one, and then stops until a random time has passed. Of two that have begun at the same moment the first to come
/// back reads; the other finds it, and throws.
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
