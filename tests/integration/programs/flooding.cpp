// flooding STATE BYTES: a client that sends requests as fast as they are taken and reads no answer. Says `FLOODING` once
// it has begun and `SENT` when so many bytes are out; then it stays as it is until its input ends.
#include "support/program.hpp"
#include "support/run.hpp"
#include "support/scripted_peer.hpp"

namespace {

asio::awaitable<void> send_all(test::ScriptedPeer& peer, std::size_t bytes) {
    const std::string request = test::message_frame(R"({"id": "flood", "type": 1, "route": "echo"})", "\"flood\"");
    std::string many;
    while (many.size() < 50'000) {
        many += request;
    }
    co_await peer.send(many);
    test::say("FLOODING");
    for (std::size_t sent = many.size(); sent < bytes; sent += many.size()) {
        co_await peer.send(many);
    }
    test::say("SENT");
}

asio::awaitable<void> flood(asio::io_context& context, std::string state, std::size_t bytes) {
    auto peer = co_await test::ScriptedPeer::greet(state, "flooding");
    asio::co_spawn(context, send_all(peer, bytes), [](std::exception_ptr) {});  // the server may close: its good right
    co_await test::input_ended();
    context.stop();
}

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    return test::run_program(context, flood(context, argv[1], std::stoul(argv[2])));
}
