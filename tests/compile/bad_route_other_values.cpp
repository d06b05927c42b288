// expect: communica: these are not the values that the route takes
#include "compile/prelude.hpp"

void test(Routes& client) { client.request(repeat, 1, "x", asio::detached); }
