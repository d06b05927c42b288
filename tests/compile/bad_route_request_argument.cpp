// expect: communica: this is no value for the route
// names: MustBeValueOf<Operands, std::.*string
#include "compile/prelude.hpp"

void test(Routes& client) { client.request(sum, std::string("x"), asio::detached); }
