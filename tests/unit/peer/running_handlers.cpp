#include "support/catch.hpp"

#include <communica/peer/running_handlers.hpp>

#include <asio/io_context.hpp>

namespace {

using communica::peer::RunningHandlers;

struct Begun {
    std::shared_ptr<communica::peer::RunningHandler> handler;
    std::shared_ptr<int> cancelled = std::make_shared<int>(0);

    Begun(RunningHandlers& handlers, asio::io_context& context) : handler(handlers.begin(context.get_executor())) {
        handler->signal.slot().assign([count = cancelled](asio::cancellation_type) { ++*count; });
    }
};

}  // namespace

TEST_CASE("a handler is at work from its begin to its end") {
    asio::io_context context;
    RunningHandlers handlers;
    CHECK(handlers.empty());
    const Begun first(handlers, context);
    const Begun second(handlers, context);
    handlers.end(*first.handler);
    CHECK_FALSE(handlers.empty());
    handlers.end(*second.handler);
    CHECK(handlers.empty());
}

TEST_CASE("cancelling reaches the handlers at work, on their executor") {
    asio::io_context context;
    RunningHandlers handlers;
    const Begun ended(handlers, context);
    const Begun running(handlers, context);
    handlers.end(*ended.handler);
    handlers.cancel_all();
    CHECK(*running.cancelled == 0);
    context.run();
    CHECK(*running.cancelled == 1);
    CHECK(*ended.cancelled == 0);
    CHECK(handlers.empty());
}

TEST_CASE("a handler that was cancelled may end later, when others are at work") {
    asio::io_context context;
    RunningHandlers handlers;
    const Begun cancelled(handlers, context);
    handlers.cancel_all();
    const Begun next(handlers, context);
    handlers.end(*cancelled.handler);
    CHECK_FALSE(handlers.empty());
    handlers.end(*next.handler);
    CHECK(handlers.empty());
}
