// expect: communica: this serializer cannot load a value of this type \(concept communica::Loads\)
// names: MustLoad<communica::JsonSerializer, NoJson>
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](NoJson) {});
}
