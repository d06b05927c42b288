// expect: communica: these are not the values that the route takes|communica: the route takes more values|no matching (member )?function
#include "compile/prelude.hpp"

void test(Routes& client) { client.request(many, 1, "x", asio::detached); }
