// expect: communica: a callback or future of `request` needs a default constructible reply type
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<NoDefault>(1, asio::detached); }
