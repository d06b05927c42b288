// expect: communica: this serializer cannot dump the handler's result type
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](int) { return NoJson{}; });
}
