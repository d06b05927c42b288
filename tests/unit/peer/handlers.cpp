#include "support/catch.hpp"
#include "support/memory.hpp"

#include <communica/peer/handlers.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace handlers_tests {

namespace {

using communica::peer::Handler;
using communica::peer::HandlerMap;
using communica::peer::Handlers;

class NoHandler final : public Handler {
 public:
    void handle(const communica::peer::Incoming&) const override {}
};

HandlerMap map_of(std::initializer_list<const char*> routes) {
    HandlerMap map;
    for (const char* route : routes) {
        map.emplace(route, std::make_shared<NoHandler>());
    }
    return map;
}

}  // namespace

TEST_CASE("a simple entity has one handler, or none") {
    const auto handler = std::make_shared<NoHandler>();
    const Handlers handlers(handler);
    CHECK(handlers.mode() == Handlers::Mode::simple);
    CHECK(handlers.only() == handler.get());
    CHECK(Handlers(std::shared_ptr<const Handler>()).only() == nullptr);
}

TEST_CASE("a handler is found by its exact route") {
    const HandlerMap map = map_of({"sum", "Sum", ""});
    const Handlers handlers(map);
    CHECK(handlers.mode() == Handlers::Mode::routes);
    CHECK(handlers.find("sum") == map.at("sum").get());
    CHECK(handlers.find("Sum") == map.at("Sum").get());
    CHECK(handlers.find("") == map.at("").get());
    for (const char* absent : {"su", "summ", "SUM", " sum", "sum "}) {
        CHECK(handlers.find(absent) == nullptr);
    }
}

TEST_CASE("routes can be added later") {
    Handlers handlers(map_of({"a"}));
    const Handler* before = handlers.find("a");
    CHECK_FALSE(handlers.find("b"));
    handlers.add(map_of({"b", "c"}));
    CHECK(handlers.find("a") == before);
    CHECK(handlers.find("b"));
    CHECK(handlers.find("c"));
}

TEST_CASE("routes of which one is there already are refused, and none is added") {
    Handlers handlers(map_of({"a"}));
    const Handler* before = handlers.find("a");
    CHECK_THROWS_AS(handlers.add(map_of({"b", "a", "c"})), communica::RouteOverrideError);
    CHECK_THROWS_WITH(handlers.add(map_of({"a"})), Catch::Matchers::ContainsSubstring("\"a\""));
    CHECK(handlers.find("a") == before);
    CHECK_FALSE(handlers.find("b"));
    CHECK_FALSE(handlers.find("c"));
}

TEST_CASE("thousands of routes that are added one by one take no more than their names and slots") {
    Handlers handlers{HandlerMap{}};
    const std::size_t before = test::resident_bytes(test::own_process_id());
    std::vector<std::string> routes;
    for (int number = 0; number != 10'000; ++number) {
        routes.push_back("a route " + std::to_string(number));
        handlers.add(map_of({routes.back().c_str()}));
    }
    CHECK(test::growth_since(before) < test::growth_allowed);
    CHECK(
        std::all_of(routes.begin(), routes.end(), [&](const auto& route) { return handlers.find(route) != nullptr; }));
    CHECK(handlers.find("a route 10000") == nullptr);
}

TEST_CASE("handlers are found while another thread adds routes") {
    constexpr int added = 300;
    Handlers handlers(map_of({"first"}));
    const Handler* first = handlers.find("first");
    std::atomic<bool> done = false;
    bool found_always = true;
    bool kept_what_was_seen = true;
    std::thread reader([&] {
        int seen = -1;
        while (!done) {
            found_always = found_always && handlers.find("first") == first;
            while (handlers.find(std::to_string(seen + 1)) != nullptr) {
                ++seen;
            }
            kept_what_was_seen = kept_what_was_seen && (seen < 0 || handlers.find(std::to_string(seen)) != nullptr);
        }
    });
    for (int route = 0; route != added; ++route) {
        HandlerMap one;
        one.emplace(std::to_string(route), std::make_shared<NoHandler>());
        handlers.add(one);
    }
    done = true;
    reader.join();
    CHECK(found_always);
    CHECK(kept_what_was_seen);
    CHECK(handlers.find(std::to_string(added - 1)) != nullptr);
}

TEST_CASE("two threads that add the same routes: each route is added once") {
    constexpr int rounds = 100;
    Handlers handlers{HandlerMap{}};
    std::atomic<int> refused = 0;
    std::atomic<int> here = 0;  // no latch: that of GCC 12 for Windows may miss that the last one has come
    const auto add_all = [&] {
        for (++here; here != 2;) {
            std::this_thread::yield();
        }
        for (int route = 0; route != rounds; ++route) {
            HandlerMap one;
            one.emplace(std::to_string(route), std::make_shared<NoHandler>());
            try {
                handlers.add(one);
            } catch (const communica::RouteOverrideError&) {
                ++refused;
            }
        }
    };
    std::thread other(add_all);
    add_all();
    other.join();
    CHECK(refused == rounds);
}

}  // namespace handlers_tests
