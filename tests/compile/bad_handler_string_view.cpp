// expect: communica: a handler's value is not borrowed
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](std::string_view) {});
}
