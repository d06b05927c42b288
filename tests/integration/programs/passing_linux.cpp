// passing STATE: a server of files, over local sockets or shared memory, until its input ends. Says `READY`.
#include "support/descriptors_linux.hpp"
#include "support/program.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/shared_memory.hpp>

namespace {

using communica::Descriptor;
using Connector = communica::AnyConnectorOf<communica::LocalConnector, communica::SharedMemoryConnector>;
using Server = communica::RouteServer<Connector>;

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    communica::RouteTable<> routes;
    routes.add("open", [](const std::string& text) { return test::memory_file(text); });
    routes.add("read", [](const std::vector<Descriptor>& files) { return test::text_of(files.back()); });
    routes.add("hold", [](std::vector<Descriptor>) -> asio::awaitable<void> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    Server server(context, Connector::load_state(argv[1]), routes);
    return test::run_program(context, test::serve_until_input_ends(server));
}
