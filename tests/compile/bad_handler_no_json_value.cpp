// expect: communica: this serializer cannot load the handler's argument type
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](NoJson) {});
}
