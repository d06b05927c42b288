// expect: communica: this serializer cannot dump a value of this type \(concept communica::Dumps\)
// names: MustDump<communica::JsonSerializer, NoJson>
#include "compile/prelude.hpp"

void test(communica::RouteServer<communica::LocalConnector>& server) {
    server.notify_all("x", NoJson{1}, asio::detached);
}
