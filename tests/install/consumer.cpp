// Needs everything that the package brings: the headers, Asio, nlohmann/json and threads. Takes little of them, as it is compiled in
// each of the ways; install.compiled and the examples use the library.
#include <communica/asio.hpp>
#include <communica/connectors/detail/state.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <thread>

int main() {
    asio::io_context context;
    asio::post(context, [] {
        const communica::detail::ConnectorState state(R"({"type": "TcpConnector", "port": 16161})", "TcpConnector");
        std::cout << state.get<int>("port") << '\n';
    });
    std::thread([&context] { context.run(); }).join();
}
