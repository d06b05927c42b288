// knocking PORT HALF-OPEN|REFUSED: connects again and again, four times at once, and never gets in: it begins a TLS or
// another handshake and waits, or says a hello that is refused. Says `KNOCKING` once it has been turned away a few times.
#include "support/program.hpp"
#include "support/scripted_peer.hpp"

#include <asio/ip/tcp.hpp>

namespace {

using Socket = asio::ip::tcp::socket;

struct Knocks {
    asio::ip::tcp::endpoint door;
    std::string says;
    bool waits = false;
    int count = 0;
};

asio::awaitable<void> knock(Knocks& knocks) {
    const auto executor = co_await asio::this_coro::executor;
    std::vector<Socket> open;
    for (;;) {
        Socket socket(executor);
        if (const auto [error] = co_await socket.async_connect(knocks.door, communica::no_throw); error) {
            continue;
        }
        (void)co_await asio::async_write(socket, asio::buffer(knocks.says), communica::no_throw);
        if (knocks.waits) {
            // So many stay half open; the oldest of them goes.
            open.push_back(std::move(socket));
            if (open.size() > 20) {
                open.erase(open.begin());
            }
            co_await asio::post(executor, asio::use_awaitable);
        } else {
            std::string refusal;
            (void)co_await asio::async_read(socket, asio::dynamic_buffer(refusal), communica::no_throw);
        }
        if (++knocks.count == 50) {
            test::say("KNOCKING");
        }
    }
}

asio::awaitable<void> stop_at_end(asio::io_context& context) {
    co_await test::input_ended();
    context.stop();
}

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    const bool waits = std::string(argv[2]) == "HALF-OPEN";
    Knocks knocks{{asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoul(argv[1]))},
                  waits ? "\x16\x03\x01" : test::client_hello("stranger"),
                  waits};
    for (int number = 0; number != 4; ++number) {
        asio::co_spawn(context, knock(knocks), asio::detached);
    }
    return test::run_program(context, stop_at_end(context));
}
