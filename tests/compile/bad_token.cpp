// expect: communica: the last argument is no completion token
// names: MustComplete<void ?\(std::.*exception_ptr, int\)
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<int>(1, 42); }
