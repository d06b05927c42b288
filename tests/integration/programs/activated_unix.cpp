// activated: serves at the first socket that a service manager hands it, and tells the manager. Ends with its input.
#include "support/program.hpp"
#include "support/system.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/activation.hpp>

namespace {

asio::awaitable<void> serve() {
    const auto executor = co_await asio::this_coro::executor;
    const auto sockets = communica::activated_sockets();
    communica::RouteTable<> routes;
    routes.add("pid", [] { return test::own_process_id(); });
    routes.add("name", [name = sockets.at(0).name] { return name; });
    routes.add("left", [] {  // of what the manager says
        return std::getenv("LISTEN_FDS") != nullptr || !communica::activated_sockets().empty();
    });
    communica::RouteServer server(executor, sockets.at(0).connector, routes);
    co_await server.start();
    communica::notify_service_manager("READY=1");
    test::say("READY " + server.connector_state());
    co_await test::input_ended();
    communica::notify_service_manager("STOPPING=1");
    co_await server.close();
}

}  // namespace

int main() {
    asio::io_context context;
    return test::run_program(context, serve());
}
