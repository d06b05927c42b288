// expect: narrow
#include "compile/prelude.hpp"

void test() { const communica::TcpConnector connector{"localhost", 70000}; }
