#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/calls.hpp>

namespace rabbitmq_calls_tests {

namespace {

using communica::rabbitmq::bytes_of;
using communica::rabbitmq::Calls;

bool answer(Calls& calls, amqp_method_number_t id, void* decoded = nullptr) {
    return calls.answer(amqp_method_t{id, decoded});
}

}  // namespace

TEST_CASE("answers belong to the calls in their order") {
    Calls calls;
    const auto first = calls.add(AMQP_QUEUE_BIND_OK_METHOD);
    const auto second = calls.add(AMQP_QUEUE_BIND_OK_METHOD);
    CHECK(answer(calls, AMQP_QUEUE_BIND_OK_METHOD));
    CHECK(first->done);
    CHECK_FALSE(second->done);
    CHECK(answer(calls, AMQP_QUEUE_BIND_OK_METHOD));
    CHECK(second->done);
}

TEST_CASE("a method that nobody waits for answers no call") {
    Calls calls;
    CHECK_FALSE(answer(calls, AMQP_QUEUE_BIND_OK_METHOD));
    const auto first = calls.add(AMQP_CHANNEL_OPEN_OK_METHOD);
    const auto second = calls.add(AMQP_QUEUE_BIND_OK_METHOD);
    CHECK_FALSE(answer(calls, AMQP_QUEUE_BIND_OK_METHOD));  // it is not its turn
    CHECK_FALSE(first->done);
    CHECK_FALSE(second->done);
}

TEST_CASE("a call that declares a queue is told its name, and what is in it") {
    Calls calls;
    const auto call = calls.add(AMQP_QUEUE_DECLARE_OK_METHOD);
    std::string name = "amq.gen-1";
    amqp_queue_declare_ok_t declared{bytes_of(name), 7, 3};
    CHECK(answer(calls, AMQP_QUEUE_DECLARE_OK_METHOD, &declared));
    name.assign(name.size(), '?');
    CHECK(call->queue.name == "amq.gen-1");
    CHECK(call->queue.messages == 7);
    CHECK(call->queue.consumers == 3);
}

TEST_CASE("calls that were cleared are not done by what comes later") {
    Calls calls;
    const auto call = calls.add(AMQP_QUEUE_BIND_OK_METHOD);
    calls.clear();
    CHECK_FALSE(answer(calls, AMQP_QUEUE_BIND_OK_METHOD));
    CHECK_FALSE(call->done);
}

}  // namespace rabbitmq_calls_tests
