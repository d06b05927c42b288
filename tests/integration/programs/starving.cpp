// starving STATE DESCRIPTORS: a server that may open so few descriptors in all, until its input ends. Says `READY` and the
// state of a connector to it, and `STARVING` and why each time that it could not accept.
#include "support/program.hpp"

#include <communica/communica.hpp>

#include <sys/resource.h>

namespace {

asio::awaitable<void> serve(communica::RouteServer<communica::AnyConnector>& server) {
    co_await server.start();
    test::say("READY " + server.connector_state());
    co_await test::input_ended();
    co_await server.close();
}

}  // namespace

int main(int, char** argv) {
    const ::rlim_t few = std::stoul(argv[2]);
    const ::rlimit limit{.rlim_cur = few, .rlim_max = few};
    ::setrlimit(RLIMIT_NOFILE, &limit);

    asio::io_context context;
    communica::RouteTable<> routes;
    routes.add("echo", [](int number) { return number; });
    communica::ServerOptions options;
    options.log = [](communica::LogLevel level, std::string_view text) {
        if (level == communica::LogLevel::error) {
            test::say("STARVING " + std::string(text));
        }
    };
    communica::RouteServer server(context, communica::AnyConnector::load_state(argv[1]), routes, options);
    return test::run_program(context, serve(server));
}
