#include "support/catch.hpp"

#include <communica/peer/calls_under_way.hpp>

#include <atomic>
#include <thread>

namespace calls_under_way_tests {

namespace {

using communica::peer::CallsUnderWay;

}  // namespace

TEST_CASE("with no call under way, or inside one, there is nothing to wait for") {
    CallsUnderWay calls;
    calls.wait();
    CallsUnderWay others;
    CallsUnderWay::Frame outer;
    CallsUnderWay::Frame inner;
    calls.begin(outer);
    others.begin(inner);  // as one that polls another io_context
    calls.wait();
    others.wait();
    others.end(inner);
    calls.wait();
    calls.end(outer);
    calls.wait();
}

TEST_CASE("calls of other threads are waited for") {
    CallsUnderWay calls;
    std::atomic<bool> has_begun = false;
    std::atomic<bool> may_end = false;
    std::atomic<bool> has_ended = false;
    std::thread calling([&] {
        CallsUnderWay::Frame frame;
        calls.begin(frame);
        has_begun = true;
        while (!may_end) {
            std::this_thread::yield();
        }
        has_ended = true;
        calls.end(frame);
    });
    while (!has_begun) {
        std::this_thread::yield();
    }
    CallsUnderWay others;
    CallsUnderWay::Frame frame;
    others.begin(frame);
    std::thread letting_go([&] { may_end = true; });
    calls.wait();
    CHECK(has_ended);
    others.end(frame);
    calling.join();
    letting_go.join();
}

}  // namespace calls_under_way_tests
