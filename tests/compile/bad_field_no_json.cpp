// expect: communica: a described struct has a field of a type that cannot be serialised \(concept communica::codec::Writable\)
// names: MustWriteField<NoJson>
#include "compile/prelude.hpp"

struct Outer {
    NoJson inner;
};
COMMUNICA_MODEL(Outer, inner)

void test(Simple& client) { client.request<int>(Outer{}, asio::detached); }
