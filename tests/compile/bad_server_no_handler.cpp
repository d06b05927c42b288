// expect: no viable|no matching|class template argument deduction failed
#include "compile/prelude.hpp"

void test(asio::any_io_executor executor) { communica::SimpleServer server{executor, communica::TcpConnector{"h", 1}}; }
