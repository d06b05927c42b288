// Stops in `look` with a server, a client, a buffer and results in a known state, for run.py to look at.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <string>

using Server = communica::RouteServer<communica::MemoryConnector>;
using Client = communica::RouteClient<communica::MemoryConnector>;

void look([[maybe_unused]] const Server& server, [[maybe_unused]] const Client& client,
          [[maybe_unused]] const Client& lonely, [[maybe_unused]] const communica::Buffer& buffer,
          [[maybe_unused]] const communica::Result<int>& value, [[maybe_unused]] const communica::Result<int>& error,
          [[maybe_unused]] const communica::Result<void>& nothing) {}

asio::awaitable<void> never() {
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::hours{1}};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> show(asio::io_context& context) {
    const communica::MemoryConnector connector;
    communica::RouteTable routes;
    int begun = 0;
    routes.add("never", [&begun]() -> asio::awaitable<void> {
        ++begun;
        return never();
    });
    Server server{context, connector, routes};
    co_await server.start();
    communica::ClientOptions named;
    named.client_id = "ann";
    Client client{context, connector, named};
    co_await client.connect();
    named.client_id = "bob";
    const communica::MemoryConnector nowhere;
    Client lonely{context, nowhere, named};
    lonely.request<void>("waits", nullptr, asio::detached);
    for (int requests = 0; requests != 2; ++requests) {
        client.request<void>("never", nullptr, asio::detached);
    }
    while (begun != 2) {
        co_await asio::post(context, asio::use_awaitable);
    }
    communica::Buffer buffer;
    buffer.append("a \"text\"\n");
    const communica::Result<int> value{7};
    const communica::Result<int> error{communica::Error{communica::errc::timeout, "too late"}};
    look(server, client, lonely, buffer, value, error, {});
    server.stop();
    client.stop();
    lonely.stop();
}

int main() {
    asio::io_context context;
    asio::co_spawn(context, show(context), [&context](const std::exception_ptr& error) {
        context.stop();
        if (error) std::rethrow_exception(error);
    });
    context.run();
}
