// expect: communica: this handler's result does not convert to the route's result type
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add(sum, [](Operands) { return std::string(); });
}
