// Whether the other side learns that a request is not wanted any more.
#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

#include <communica/peer/cancel.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace requester_cancel_tests {

namespace {

using communica::peer::Capabilities;
using communica::peer::RequestId;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OneRequester;
using test::outgoing;

constexpr communica::wire::MessageType cancel_type = communica::wire::MessageType::cancel;

communica::wire::MessageType type_of(const test::SentMessage& message) {
    communica::wire::MetadataReader reader;
    return reader.read(message.metadata).type;
}

std::string id_of(const test::SentMessage& message) {
    communica::wire::MetadataReader reader;
    return std::string(reader.read(message.metadata).id);
}

}  // namespace

TEST_CASE("cancelling a request that was sent tells who understands it, once") {
    OneRequester one;
    const auto connection = one.connect(Capabilities{.cancel = true});
    const RequestId id = one.requester->reserve();
    const auto request = one.request("1", id);
    one.requester->cancel(id);
    one.requester->cancel(id);
    REQUIRE(connection->sent.size() == 2);
    CHECK(type_of(connection->sent[1]) == cancel_type);
    CHECK(id_of(connection->sent[1]) == id_of(connection->sent[0]));
    CHECK(connection->send_classes[1] == communica::SendClass::response);  // it may not wait for room
    CHECK(request->completions == 1);
}

TEST_CASE("who does not understand cancellations is not told") {
    OneRequester one;
    const auto connection = one.connect(Capabilities{.deadline = true, .headers = true});
    const RequestId id = one.requester->reserve();
    one.request("1", id);
    one.requester->cancel(id);
    CHECK(connection->sent.size() == 1);
}

TEST_CASE("a request that was not sent is cancelled in silence") {
    OneRequester one;
    const auto connection = one.connect(Capabilities{.cancel = true});
    connection->room = 0;
    const RequestId id = one.requester->reserve();
    const auto request = one.request("1", id);
    one.requester->cancel(id);
    connection->room = 9;
    one.requester->on_room();
    CHECK(connection->sent.empty());
    CHECK(error_of(request) == asio::error::operation_aborted);
}

TEST_CASE("a request that was answered, timed out or never started is cancelled in silence") {
    OneRequester one;
    const auto connection = one.connect(Capabilities{.cancel = true});
    const RequestId answered = one.requester->reserve();
    one.request("1", answered);
    one.answer(connection->sent[0], "1");
    one.requester->cancel(answered);
    const RequestId timed = one.requester->reserve();
    auto message = outgoing("2");
    message.timeout = std::chrono::milliseconds{1};
    one.run_until(one.start(std::move(message), timed));
    one.requester->cancel(timed);
    one.requester->cancel(one.requester->reserve());
    one.requester->cancel(0);
    CHECK(bodies(*connection) == Bodies{"1", "2"});
}

TEST_CASE("a request that was sent over a connection before is cancelled over the one there is") {
    OneRequester one;
    const RequestId id = one.requester->reserve();
    const auto first = one.connect(Capabilities{.cancel = true});
    one.request("1", id);
    one.lose(first);
    const auto second = one.connect(Capabilities{.cancel = true});
    one.requester->cancel(id);
    REQUIRE(second->sent.size() == 1);
    CHECK(type_of(second->sent[0]) == cancel_type);
    CHECK(id_of(second->sent[0]) == id_of(first->sent[0]));
}

TEST_CASE("requests that were not sent move to another requester in their order, and are cancelled there") {
    OneRequester from;
    OneRequester to;
    const auto location = std::make_shared<communica::peer::Location>();
    const auto moved = std::make_shared<test::Outcome>();
    const RequestId id = from.requester->reserve();
    location->requester = from.requester;
    location->id = id;
    auto operation = test::RecordedOperation::make(moved);
    operation->location = location;
    from.request("1");
    from.requester->start(id, outgoing("2"), std::move(operation));
    from.notify("3");
    communica::peer::hand_over(*from.requester, *to.requester);
    CHECK(from.requester->is_idle());
    CHECK_FALSE(to.requester->is_idle());

    communica::peer::CancelMovingRequest{location}(asio::cancellation_type::none);
    CHECK(moved->completions == 0);
    communica::peer::CancelMovingRequest{location}(asio::cancellation_type::terminal);
    CHECK(error_of(moved) == asio::error::operation_aborted);
    CHECK(bodies(*to.connect()) == Bodies{"1", "3"});
}

TEST_CASE("a request that two want to have moves once, and is cancelled where it is") {
    constexpr int rounds = 2000;
    OneRequester from;
    OneRequester to[2];
    int cancelled = 0;
    std::atomic<int> begun = 0;
    std::atomic<int> done = 0;
    std::vector<std::thread> movers;
    for (auto& target : to) {
        movers.emplace_back([&] {
            for (int round = 1; round <= rounds; ++round) {
                while (begun.load() < round)
                    std::this_thread::yield();
                communica::peer::hand_over(*from.requester, *target.requester);
                ++done;
            }
        });
    }
    for (int round = 1; round <= rounds; ++round) {
        const auto outcome = std::make_shared<test::Outcome>();
        auto operation = test::RecordedOperation::make(outcome);
        const RequestId id = from.requester->reserve();
        const auto location = std::make_shared<communica::peer::Location>();
        location->requester = from.requester;
        location->id = id;
        operation->location = location;
        from.requester->start(id, outgoing("1"), std::move(operation));
        ++begun;
        while (done.load() != 2 * round)
            std::this_thread::yield();
        communica::peer::CancelMovingRequest{location}(asio::cancellation_type::terminal);
        cancelled += outcome->completions;
    }
    for (auto& mover : movers) {
        mover.join();
    }
    CHECK(cancelled == rounds);
}

TEST_CASE("a request whose time is over is never sent") {
    OneRequester one;
    auto late = outgoing("late");
    late.timeout = std::chrono::milliseconds{0};
    const auto connection = one.connect();
    CHECK(error_of(one.start(std::move(late))) == communica::errc::timeout);

    connection->room = 0;
    auto waits = outgoing("waits");
    waits.timeout = std::chrono::milliseconds{1};
    const auto waiting = one.start(std::move(waits));
    const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds{1};
    while (std::chrono::steady_clock::now() <= over) {
    }
    connection->room = 9;
    one.requester->on_room();  // before its timer has run
    CHECK(error_of(waiting) == communica::errc::timeout);
    CHECK(connection->sent.empty());
}

TEST_CASE("a request that moves keeps its deadline, its options and its number's cancellation") {
    OneRequester from;
    OneRequester to;
    auto message = outgoing("1");
    message.timeout = std::chrono::milliseconds{1};
    message.quoted_route = "\"r\"";
    message.idempotent = true;
    const auto request = from.start(std::move(message));
    auto lasting = outgoing("2");
    lasting.quoted_route = "\"r\"";
    lasting.idempotent = true;
    from.start(std::move(lasting));
    communica::peer::hand_over(*from.requester, *to.requester);
    to.run_until(request);
    CHECK(error_of(request) == communica::errc::timeout);
    const auto first = to.connect();
    CHECK(bodies(*first) == Bodies{"2"});
    CHECK(first->sent[0].metadata.find("\"route\": \"r\"") != std::string::npos);
    to.lose(first);
    CHECK(bodies(*to.connect()) == Bodies{"2"});
}

}  // namespace requester_cancel_tests
