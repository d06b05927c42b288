// expect: communica: a described struct has a field of a type that cannot be read \(concept communica::codec::Readable\)
// names: MustReadField<NoJson>
#include "compile/prelude.hpp"

struct Outer {
    NoJson inner;
};
COMMUNICA_MODEL(Outer, inner)

void test(Simple& client) { client.request<Outer>(1, asio::detached); }
