// What signatures say is checked by the compiler; these cases hold what it is asked.
#include "support/catch.hpp"

#include <communica/peer/handler_traits.hpp>

#include <functional>
#include <string>

namespace handler_traits_tests {

namespace {

using communica::Context;
using communica::RoutePeer;
using communica::SimplePeer;
namespace peer = communica::peer;

/// Does it take this value (void for none), and these after it?
template <class Data, class... After, class F>
consteval bool takes(const F&) {
    using Args = typename peer::Signature<F>::Args;
    return Args::valid && std::is_same_v<typename Args::Data, Data> &&
           std::is_same_v<typename Args::Extras, std::tuple<After...>>;
}

template <class F>
consteval bool is_refused(const F&) {
    return !peer::Signature<F>::Args::valid;
}

template <class F>
consteval bool has_signature(const F&) {
    return peer::Deducible<F>;
}

/// With which extras is it called for a route's value? `void` stands for: not at all.
template <class Data, class Extras, class F>
consteval bool under_route(const F&) {
    return std::is_same_v<typename peer::ExtrasOf<F, Data, communica::JsonSerializer>::type, Extras>;
}

struct Object {
    int method(int) const { return 1; }
};
struct Overloaded {
    int operator()(int) const { return 1; }
    int operator()(const std::string&) const { return 2; }
};
struct NoexceptFunctor {
    int operator()(const std::string&) noexcept { return 1; }
};
[[maybe_unused]] int free_function(int value, Context&) { return value; }

constexpr auto by_value = [](std::string) {};
constexpr auto generic = [](auto value) { return value; };

// The value, and what may follow it.
static_assert(takes<void>([] {}));
static_assert(takes<std::string>(by_value));
static_assert(takes<std::string>([](const std::string&) {}));
static_assert(takes<std::string>([](std::string&&) {}));
static_assert(takes<void, Context>([](Context&) {}));
static_assert(takes<int, Context>([](int, Context&) {}));
static_assert(takes<int, Context, RoutePeer<>>([](int, Context&, RoutePeer<>&) {}));
static_assert(takes<int, SimplePeer<>, Context>([](int, SimplePeer<>&, Context&) {}));
static_assert(takes<int, Context>(&free_function));
static_assert(takes<peer::Several<int, std::string>>([](int, const std::string&) {}));
static_assert(takes<peer::Several<int, int, int>, Context>([](int, int, int, Context&) {}));
static_assert(takes<std::string>(NoexceptFunctor{}));
static_assert(takes<int>([count = 0](int) mutable { return ++count; }));
static_assert(std::is_same_v<peer::Signature<std::function<int(long)>>::Args::Data, long>);

// What is not a handler's signature.
static_assert(is_refused([](std::string&) {}));
static_assert(is_refused([](int, int&) {}));
static_assert(is_refused([](int, Context) {}));
static_assert(is_refused([](int, const Context&) {}));
static_assert(is_refused([](Context&, int) {}));

// What has no signature of its own, and how it gets one.
static_assert(!has_signature(generic));
static_assert(!has_signature(Overloaded{}));
static_assert(!has_signature(&Object::method));
static_assert(!has_signature(std::bind_front(&Object::method, Object{})));
static_assert(peer::Deducible<decltype(communica::with_signature<int(int)>(generic))>);
static_assert(
    std::is_same_v<peer::Signature<decltype(communica::with_signature<int(std::string)>(Overloaded{}))>::Args::Data,
                   std::string>);

// Under a route a handler only has to be callable with the route's value.
static_assert(under_route<std::string, std::tuple<>>(by_value));
static_assert(under_route<int, std::tuple<>>([](double) {}));
static_assert(under_route<int, std::tuple<>>(generic));
static_assert(under_route<int, std::tuple<Context>>([](auto, Context&) {}));
static_assert(under_route<int, std::tuple<RoutePeer<>, Context>>([](auto, RoutePeer<>&, Context&) {}));
static_assert(under_route<void, std::tuple<>>([] {}));
static_assert(under_route<void, std::tuple<Context>>([](Context&) {}));
static_assert(under_route<std::string, std::tuple<>>(Overloaded{}));
static_assert(under_route<int, void>(by_value));
static_assert(under_route<void, void>([](int) {}));
static_assert(under_route<peer::Several<int, std::string>, std::tuple<>>([](long, std::string) {}));
static_assert(under_route<peer::Several<int, int>, std::tuple<Context>>([](auto, auto, Context&) {}));
static_assert(under_route<peer::Several<int, int>, void>([](int) {}));
static_assert(under_route<peer::Several<int, int>, void>([](int, std::string) {}));
static_assert(under_route<int, void>([] {}));

// What a result stands for.
static_assert(std::is_same_v<peer::ResultOf<int>::type, int> && !peer::ResultOf<int>::is_coroutine);
static_assert(std::is_same_v<peer::ResultOf<asio::awaitable<int>>::type, int> &&
              peer::ResultOf<asio::awaitable<int>>::is_coroutine);
static_assert(std::is_void_v<peer::ResultOf<asio::awaitable<void>>::type>);

}  // namespace

TEST_CASE("a callable with a named signature calls what it was made of") {
    auto doubled = communica::with_signature<int(int)>([](auto value) { return 2 * value; });
    CHECK(doubled(21) == 42);
    auto counted = communica::with_signature<int()>([count = 0]() mutable { return ++count; });
    CHECK(counted() == 1);
    CHECK(counted() == 2);
    auto length =
        communica::with_signature<std::size_t(std::unique_ptr<std::string>)>([](auto text) { return text->size(); });
    CHECK(length(std::make_unique<std::string>("four")) == 4);
}

}  // namespace handler_traits_tests
