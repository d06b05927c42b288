// lending STATE: a client by shared memory that sends lent bodies, eight at a time, until its input ends. Says `READY`
// after the first answers. Each request has to end with the body that was sent, or as lost with its connection.
#include "support/program.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/shared_memory.hpp>

#include <algorithm>
#include <memory>

namespace {

using Client = communica::SimpleClient<communica::SharedMemoryConnector, communica::BytesSerializer>;

struct State {
    bool is_over = false;
    int running = 8;
    int answers = 0;
    int wrong = 0;
};

asio::awaitable<void> send_on(Client& client, State& state, char mark) {
    while (!state.is_over) {
        communica::Buffer body = co_await client.lend(100'000);
        std::fill_n(body.data(), body.size(), mark);
        auto answer = co_await client.try_request<communica::Buffer>(std::move(body));
        if (answer) {
            const std::string_view text = answer->text();
            state.wrong += text.size() == 100'000 && text.find_first_not_of(mark) == text.npos ? 0 : 1;
            if (++state.answers == 8) {
                test::say("READY");
            }
        } else {
            state.wrong += answer.error().code == communica::errc::connection_lost ? 0 : 1;
        }
    }
    --state.running;
}

asio::awaitable<void> ask(Client& client) {
    State state;
    co_await client.connect();
    for (char mark = 'a'; mark != 'a' + 8; ++mark) {
        asio::co_spawn(co_await asio::this_coro::executor, send_on(client, state, mark), asio::detached);
    }
    co_await test::input_ended();
    state.is_over = true;
    while (state.running != 0) {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    co_await client.close();
    test::say("WRONG " + std::to_string(state.wrong));
}

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    Client client(context, communica::SharedMemoryConnector::load_state(argv[1]));
    return test::run_program(context, ask(client));
}
