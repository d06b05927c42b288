// expect: deleted (function|constructor)
// names: communica: the third argument is the handler
#include "compile/prelude.hpp"

void test(asio::any_io_executor executor) { communica::SimpleServer server{executor, communica::TcpConnector{"h", 1}}; }
