// Sends a file to file_server and gets it back, with progress bars: `send_file [CONNECTOR [FILE]]`. Without FILE it makes one.
// To see a transfer continue, end file_server amid a large file and start it again.

#include <communica/communica.hpp>
#include <communica/files/send_receive.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "file_routes.hpp"

// Draws a bar over the last one, each time that it grows.
class ProgressBar {
 public:
    void show(const communica::FileProgress& progress) {
        const auto tenths = static_cast<std::size_t>(progress.size == 0 ? 10 : progress.done * 10 / progress.size);
        if (tenths == shown_) return;
        shown_ = tenths;
        const std::string bar(tenths, '#');
        const std::string rest(10 - tenths, '.');
        std::cout << (is_terminal_line_ ? "\r" : "") << '[' << bar << rest << "] " << progress.name << std::flush;
        is_terminal_line_ = true;
        if (progress.done == progress.size) std::cout << '\n';
    }

 private:
    std::size_t shown_ = 11;
    bool is_terminal_line_ = false;
};

asio::awaitable<void> transfer(communica::AnyConnector connector, std::filesystem::path path) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, connector};
    co_await client.connect({.timeout = std::chrono::seconds{10}});

    ProgressBar up;
    communica::FileOptions options;
    options.on_progress = [&](const communica::FileProgress& progress) { up.show(progress); };
    const auto sent = co_await communica::send_file(client, upload_route, path, options);
    std::cout << "sent " << sent.size << " bytes, checksum " << sent.checksum << '\n';

    ProgressBar down;
    options.on_progress = [&](const communica::FileProgress& progress) { down.show(progress); };
    options.overwrite = true;
    const std::string name = path.filename().string();
    const auto back = std::filesystem::temp_directory_path() / (name + ".back");
    const auto received = co_await communica::receive_file(client, download_route, name, back, options);
    std::cout << "received " << received.size << " bytes, checksum " << received.checksum << '\n';
    std::filesystem::remove(back);
    co_await client.close();
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"files"};
    const auto path = argc > 2 ? std::filesystem::path{argv[2]} : temporary_path("send_file.txt");
    if (argc <= 2) std::ofstream{path} << std::string(5'000'000, 'a');
    asio::io_context context;
    asio::co_spawn(context, transfer(connector, path), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    if (argc <= 2) std::filesystem::remove(path);
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
