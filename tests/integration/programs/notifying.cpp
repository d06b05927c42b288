// notifying STATE COUNT: a client that sends so many notifications `event of the killed`, flushes, asks for `flushed`, and goes
// on sending until it is killed. Each is its number.
#include "support/program.hpp"

#include <communica/communica.hpp>

namespace {

using Client = communica::RouteClient<communica::AnyConnector>;

// NOLINTNEXTLINE(*-reference-coroutine-parameters): main's own
asio::awaitable<void> notify(Client& client, int count) {
    const communica::Route<void()> flushed("flushed");
    for (int number = 0;; ++number) {
        if (number == count) {
            co_await client.flush();
            co_await client.request(flushed);
        }
        co_await client.notify("event of the killed", number);
    }
}

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    Client client(context, communica::AnyConnector::load_state(argv[1]));
    return test::run_program(context, notify(client, std::stoi(argv[2])));
}
