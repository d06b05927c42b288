// expect: async_initiate|async_result|constraint
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<int>(1, 42); }
