#include "compile/prelude.hpp"

#include <deque>
#include <variant>

/// A model of the user's own, from the narrowest there is.
struct OnlyNothing {
    void dump(communica::Nothing, communica::Buffer&) const {}
};
static_assert(communica::Serializer<OnlyNothing> && !communica::Dumps<OnlyNothing, int>);

struct Shape {
    std::variant<int, std::string> name;
    std::optional<std::vector<Shape>> parts;  // of its own type
};
COMMUNICA_MODEL(Shape, name, parts)

class Private {
    int hidden_ = 0;
    friend COMMUNICA_MODEL(Private, hidden_)
};
struct Empty {};
COMMUNICA_MODEL(Empty)

static_assert(communica::Loads<communica::MsgpackSerializer, Shape> &&
              communica::Dumps<communica::CborSerializer, Shape>);
static_assert(communica::Loads<communica::JsonSerializer, Private> &&
              communica::Dumps<communica::JsonSerializer, Empty>);
static_assert(!communica::Loads<communica::JsonSerializer, std::string_view>);
static_assert(communica::Loads<communica::BytesSerializer, communica::Bytes>);
static_assert(!communica::Dumps<communica::JsonSerializer, std::vector<std::variant<int, NoJson>>>);

inline constexpr communica::Route<Shape(Private), communica::MsgpackSerializer> packed{"packed"};

asio::awaitable<void> test(Table& table, Routes& routes, Simple& simple) {
    table.add(packed, [](const Private&) { return Shape{}; })
        .add(
            "lent", [](communica::Bytes bytes) { return std::string(communica::as_text(bytes)); },
            communica::BytesSerializer{})
        .add(
            "owned", [](communica::Buffer bytes) -> asio::awaitable<communica::Buffer> { co_return bytes; },
            communica::BytesSerializer{});
    co_await routes.request(packed, Private{});
    co_await routes.with(communica::MsgpackSerializer{}).request<Shape>("packed", Empty{});
    co_await routes.with(communica::BytesSerializer{}).try_request<communica::Buffer>("owned", "text", {.timeout = 1s});
    co_await simple.with(communica::CborSerializer{}).notify(1);
}
