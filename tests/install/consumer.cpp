// Needs everything that the package brings: the headers, Asio, nlohmann/json and threads. All of the library is compiled
// by the examples.
#include <communica/connectors/detail/state.hpp>
#include <communica/connectors/memory.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <thread>

int main() {
    asio::io_context context;
    asio::post(context, [] {
        const communica::detail::ConnectorState state(R"({"type": "TcpConnector", "port": 16161})", "TcpConnector");
        std::cout << communica::MemoryConnector{}.address() << ' ' << state.get<int>("port") << '\n';
    });
    std::thread([&context] { context.run(); }).join();
}
