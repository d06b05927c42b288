// expect: communica: this serializer cannot load the reply type
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<NoJson>(1, asio::detached); }
