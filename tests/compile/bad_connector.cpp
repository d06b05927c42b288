// expect: no viable|no matching|cannot deduce|class template argument deduction failed
#include "compile/prelude.hpp"

void test(asio::any_io_executor executor) {
    struct NoConnector {};
    communica::SimpleServer server{executor, NoConnector{}, [](int x) { return x; }};
}
