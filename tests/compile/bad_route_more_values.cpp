// expect: communica: the route takes fewer values
#include "compile/prelude.hpp"

void test(Routes& client) { client.request(many, 1, "x", Operands{1, 2}, 3, asio::detached); }
