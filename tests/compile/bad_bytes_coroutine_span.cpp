// expect: communica: a handler's value is not borrowed
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](communica::Bytes) -> asio::awaitable<void> { co_return; }, communica::BytesSerializer{});
}
