// expect: communica: a reply is not borrowed
#include "compile/prelude.hpp"

void test(Simple& client) { client.request<std::string_view>(1, asio::detached); }
