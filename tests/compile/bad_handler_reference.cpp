// expect: communica: a handler takes at most one value
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](int& value) { return value; });
}
