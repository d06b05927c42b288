// serving_rabbitmq STATE: a server through a broker until its input ends. Says `READY`.
#include "support/program.hpp"
#include "support/system.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/rabbitmq.hpp>

using Server = communica::RouteServer<communica::RmqConnector>;

int main(int, char** argv) {
    asio::io_context context;
    communica::RouteTable<> routes;
    routes.add("echo", [](std::string text) { return text; });
    routes.add("pid", [] { return test::own_process_id(); });
    Server server(context, communica::RmqConnector::load_state(argv[1]), routes);
    return test::run_program(context, test::serve_until_input_ends(server));
}
