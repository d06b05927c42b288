// AMQP methods that wait for the broker's reply.
#pragma once

#include "frames.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// The state of a queue.
struct Queue {
    std::string name;
    std::uint32_t messages = 0;
    std::uint32_t consumers = 0;
};

struct Call {
    amqp_method_number_t answer;
    bool done = false;
    Queue queue = {};  ///< the declared queue
};

/// The pending calls of a channel. Replies arrive in the order of the calls. Not thread-safe.
class Calls {
 public:
    std::shared_ptr<Call> add(amqp_method_number_t answer) {
        return calls_.emplace_back(std::make_shared<Call>(Call{answer}));
    }

    /// Says whether this reply completes a call.
    bool answer(const amqp_method_t& method) {
        if (calls_.empty() || calls_.front()->answer != method.id) {
            return false;  // no pending call
        }
        const auto call = std::move(calls_.front());
        calls_.pop_front();
        if (method.id == AMQP_QUEUE_DECLARE_OK_METHOD) {
            const auto& declared = *static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
            call->queue = {std::string(text_of(declared.queue)), declared.message_count, declared.consumer_count};
        }
        return call->done = true;
    }

    void clear() noexcept { calls_.clear(); }

 private:
    std::deque<std::shared_ptr<Call>> calls_;
};

}  // namespace communica::rabbitmq
