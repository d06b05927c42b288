// expect: communica: a handler takes its values first
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](int, communica::Context&, int) { return 1; });
}
