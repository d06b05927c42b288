// borrowing STATE: a server by shared memory that answers each body with its memory, until its input ends. Says `READY`.
#include "support/program.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/shared_memory.hpp>

namespace {

using Server = communica::SimpleServer<communica::SharedMemoryConnector, communica::BytesSerializer>;

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    Server server(context, communica::SharedMemoryConnector::load_state(argv[1]),
                  [](communica::Buffer body) { return body; });
    return test::run_program(context, test::serve_until_input_ends(server));
}
