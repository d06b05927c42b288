// expect: communica: this serializer cannot dump a value of this type \(concept communica::Dumps\)
// names: MustDump<communica::JsonSerializer, NoJson>
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<int>(NoJson{1}, asio::detached); }
