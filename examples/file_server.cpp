// Keeps files: receives them into a directory, and sends them to those who ask for them: `file_server [CONNECTOR [DIRECTORY]]`.
// Without DIRECTORY it makes a temporary one. send_file is its client. Runs until Ctrl-C.

#include <communica/communica.hpp>
#include <communica/files/directory.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "file_routes.hpp"

asio::awaitable<void> serve(communica::AnyConnector connector, std::filesystem::path path, asio::thread_pool& disk) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    communica::FileOptions options;
    options.file_executor = disk.get_executor();  // a slow disk does not delay requests
    options.overwrite = true;
    const communica::FileDirectory directory{path, options};
    communica::RouteTable routes;
    routes.add(upload_route, directory.receiver()).add(download_route, directory.sender());

    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    std::cout << "listening on " << server.address() << ", files are in " << path << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"files"};
    const auto path = argc > 2 ? std::filesystem::path{argv[2]} : temporary_path("files");
    std::filesystem::create_directories(path);
    asio::thread_pool disk{1};
    asio::io_context context;
    asio::co_spawn(context, serve(connector, path, disk), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    disk.join();
    if (argc <= 2) std::filesystem::remove_all(path);
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
