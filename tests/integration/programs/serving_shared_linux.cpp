// serving_shared STATE: a server by shared memory until its input ends. Says `READY`.
#include "support/mixed_requests.hpp"
#include "support/program.hpp"
#include "support/system.hpp"

#include <communica/connectors/shared_memory.hpp>

namespace {

using Server = communica::RouteServer<communica::SharedMemoryConnector>;

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    int notes = 0;
    communica::RouteTable<> routes = test::mixed_routes(notes);
    routes.add("pid", [] { return test::own_process_id(); });
    routes.add("caller", [](communica::Context& asked) { return asked.credentials().pid.value_or(-1); });
    Server server(context, communica::SharedMemoryConnector::load_state(argv[1]), routes);
    return test::run_program(context, test::serve_until_input_ends(server));
}
