// expect: communica: SimplePeer<>& and RoutePeer<>& ask back in JSON
#include "compile/prelude.hpp"

void test() {
    communica::RouteTable<communica::MsgpackSerializer> routes;
    routes.add("x", [](int number, communica::RoutePeer<>&) { return number; });
}
