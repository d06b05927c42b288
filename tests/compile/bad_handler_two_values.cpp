// expect: communica: a handler takes at most one value
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](int, int) { return 1; });
}
