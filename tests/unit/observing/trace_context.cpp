#include "support/catch.hpp"
#include "support/pair.hpp"

#include <communica/observing/trace_context.hpp>

#include <string>

namespace trace_context_tests {

using communica::TraceContext;

namespace {

// The recommendation's own, of sections 3.2.2.5 and 3.3.1.
const std::string parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const std::string state = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

}  // namespace

TEST_CASE("the recommendation's examples of a traceparent are read, and written as they came") {
    const auto trace = TraceContext::parse(parent, state);
    REQUIRE(trace);
    CHECK(trace->trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(trace->parent_id() == "00f067aa0ba902b7");
    CHECK(trace->is_sampled());
    CHECK(trace->tracestate() == state);
    CHECK(trace->traceparent() == parent);
    const auto unsampled = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
    REQUIRE(unsampled);
    CHECK_FALSE(unsampled->is_sampled());
}

TEST_CASE("a later version is read as far as version 00 goes") {
    const auto trace =
        TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings");
    REQUIRE(trace);
    CHECK(trace->traceparent() == parent);
    CHECK_FALSE(TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"));
}

TEST_CASE("a traceparent that is none begins a trace anew") {
    for (const char* none : {
             "",
             "00",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
             parent.c_str() + 1,
             "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
             "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
             "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
             "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
         }) {
        CAPTURE(none);
        CHECK_FALSE(TraceContext::parse(none));
    }
}

TEST_CASE("a child has the trace and the state of its parent, and an id of its own") {
    const auto trace = TraceContext::parse(parent, state);
    const auto child = trace->child();
    CHECK(child.trace_id() == trace->trace_id());
    CHECK(child.is_sampled());
    CHECK(child.tracestate() == state);
    CHECK(child.parent_id() != trace->parent_id());
    CHECK(TraceContext::parse(child.traceparent()));
    CHECK(TraceContext::parse(TraceContext::random(true).traceparent())->is_sampled());
}

TEST_CASE("a state of over 512 characters is cut behind an entry") {
    const std::string entry = "vendor=" + std::string(100, 'x');
    std::string all = entry;
    for (int more = 0; more != 9; ++more) {
        all += "," + entry;
    }
    const auto trace = TraceContext::parse(parent, all);
    CHECK(trace->tracestate() == all.substr(0, 4 * entry.size() + 3));
    CHECK(TraceContext::parse(parent, std::string(600, 'x'))->tracestate().empty());
}

TEST_CASE("a handler sees the trace of its requester, and hands it on to whom it asks") {
    std::string seen;
    std::string seen_state;
    test::Routes at_client;
    at_client.add("inner", [&](communica::Context& context) {
        const auto trace = TraceContext::of(context);
        seen = trace->traceparent();
        seen_state = trace->tracestate();
    });
    test::Routes at_server;
    at_server.add("outer",
                  [](communica::Context& context, communica::RoutePeer<>& asker) -> asio::awaitable<std::string> {
                      const auto trace = TraceContext::of(context)->child();
                      const auto headers = trace.headers();
                      co_await asker.request<void>("inner", nullptr, {.headers = headers.span()});
                      co_return trace.traceparent();
                  });
    test::RoutePair pair(test::Transport::memory, at_server, at_client);
    pair.run([&]() -> asio::awaitable<void> {
        const auto trace = TraceContext::parse(parent, state);
        const auto headers = trace->headers();
        const auto sent = co_await pair.client().request<std::string>("outer", nullptr, {.headers = headers.span()});
        CHECK(sent == seen);
        CHECK(seen_state == state);
        CHECK(TraceContext::parse(seen)->trace_id() == trace->trace_id());
    });
}

}  // namespace trace_context_tests
