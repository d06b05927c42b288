// expect: communica: the second argument is no connector
// names: MustBeConnector<.*Unrelated
#include "compile/prelude.hpp"

struct Unrelated {};

void test(asio::any_io_executor executor) {
    communica::SimpleServer server{executor, Unrelated{}, [](int x) { return x; }};
}
