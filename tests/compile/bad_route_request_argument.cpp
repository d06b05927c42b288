// expect: no matching (member )?function
#include "compile/prelude.hpp"

void test(Routes& client) { client.request(sum, std::string("x"), asio::detached); }
