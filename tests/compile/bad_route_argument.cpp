// expect: communica: this handler cannot be called with the route's argument type
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add(sum, [](std::string) { return 1; });
}
