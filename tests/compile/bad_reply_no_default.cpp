// expect: communica: the reply type of a request must be default constructible
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<NoDefault>(1, asio::detached); }
