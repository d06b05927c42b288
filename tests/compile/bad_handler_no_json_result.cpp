// expect: communica: this serializer cannot dump a value of this type \(concept communica::Dumps\)
// names: MustDump<communica::JsonSerializer, NoJson>
#include "compile/prelude.hpp"

void test(Table& routes) {
    routes.add("x", [](int) { return NoJson{}; });
}
