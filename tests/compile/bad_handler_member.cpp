// expect: communica: the handler's argument type cannot be deduced
#include "compile/prelude.hpp"

void test(Table& routes) { routes.add("x", &Object::scaled); }
