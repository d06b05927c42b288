// Calls to the broker that wait for its answer.
#pragma once

#include "frames.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// How a queue is.
struct Queue {
    std::string name;
    std::uint32_t messages = 0;
    std::uint32_t consumers = 0;
};

struct Call {
    amqp_method_number_t answer;
    bool done = false;
    Queue queue = {};  ///< that was declared
};

/// The calls of one channel: answers come in their order. Not thread-safe.
class Calls {
 public:
    std::shared_ptr<Call> add(amqp_method_number_t answer) {
        return calls_.emplace_back(std::make_shared<Call>(Call{answer}));
    }

    /// Says whether a call is done by this.
    bool answer(const amqp_method_t& method) {
        if (calls_.empty() || calls_.front()->answer != method.id) {
            return false;  // nothing that was asked for
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
