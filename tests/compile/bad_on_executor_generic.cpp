// expect: communica: on_executor needs a callable of one signature
#include "compile/prelude.hpp"

void test(Table& routes, asio::io_context& context) {
    routes.add("x", communica::on_executor(context, [](auto value) { return value; }));
}
