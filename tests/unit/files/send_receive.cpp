#include "files.hpp"
#include "support/relay.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/use_future.hpp>

#include <algorithm>
#include <thread>
#include <vector>

namespace send_receive_tests {

using communica::FileOptions;
using communica::FileProgress;
using communica::FileSummary;
using communica::receive_file;
using communica::send_file;
using test::content_of;
using test::Directories;
using test::download;
using test::read_file;
using test::RoutePair;
using test::upload;
using test::write_file;
using namespace std::chrono_literals;

TEST_CASE("a file is sent, and received, with what is done of it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    const Directories directories;
    RoutePair pair(transport, directories.routes());
    pair.run([&]() -> asio::awaitable<void> {
        for (const std::size_t size : {0U, 1U, 65'536U, 300'001U}) {
            CAPTURE(size);
            const std::string content = content_of(size);
            const std::string name = "of " + std::to_string(size) + " bytes";
            const auto source = directories.client() / "source";
            const auto target = directories.client() / name;
            write_file(source, content);
            std::vector<FileProgress> reports;
            FileOptions options;
            options.name = name;
            options.on_progress = [&](const FileProgress& progress) {
                CHECK(progress.name == name);
                reports.push_back(progress);
            };
            const FileSummary sent = co_await send_file(pair.client(), upload, source, options);
            CHECK((read_file(directories.server() / name) == content));
            CHECK(sent.size == size);
            CHECK(sent.transferred == size);
            CHECK(sent.resumed == 0);

            const auto is_complete = [&] {
                return !reports.empty() && reports.front().done == 0 && reports.back().done == size &&
                       std::is_sorted(reports.begin(), reports.end(),
                                      [](const auto& a, const auto& b) { return a.done < b.done; }) &&
                       std::all_of(reports.begin(), reports.end(), [&](const auto& one) { return one.size == size; });
            };
            CHECK(is_complete());
            reports.clear();
            const FileSummary received = co_await receive_file(pair.client(), download, name, target, options);
            CHECK((read_file(target) == content));
            CHECK(received.transferred == size);
            CHECK(received.checksum == sent.checksum);
            CHECK(is_complete());
        }
    });
    CHECK(std::distance(std::filesystem::directory_iterator(directories.server()), {}) == 4);  // and no part of one
}

TEST_CASE("a server sends a file to its client, and gets one from it") {
    const Directories directories;
    RoutePair pair(test::Transport::memory, {}, directories.routes());
    write_file(directories.client() / "here", "a line");
    pair.run([&]() -> asio::awaitable<void> {
        const auto client = pair.server.client("client");
        co_await send_file(client, upload, directories.client() / "here");
        const auto back = directories.client() / "back";
        auto future = receive_file(client, download, "here", back, asio::use_future);
        while (future.wait_for(0s) != std::future_status::ready) {
            co_await asio::post(pair.context, asio::use_awaitable);
        }
        CHECK(future.get().size == 6);
        CHECK(read_file(back) == "a line");
    });
}

namespace {

/// A server behind a relay, which cuts the first connection.
template <class Body>
void run_with_cut(const Directories& directories, test::Passage to_server, test::Passage to_client, Body body) {
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        communica::RouteServer server(context, communica::TcpConnector{"127.0.0.1", 0}, directories.routes());
        co_await server.start();
        test::Relay relay(context, server.connector_state(), to_server, to_client);
        communica::RouteClient client(context, relay.connector(), test::quick_client());
        co_await client.connect();
        co_await body(client);
        CHECK(relay.connections() == 2);
        co_await client.close();
        co_await server.close();
    });
}
using TcpClient = communica::RouteClient<communica::TcpConnector>;

const std::string large = content_of(1'200'000);

}  // namespace

TEST_CASE("a file continues where it was when its connection was lost") {
    const Directories directories;
    const auto source = directories.client() / "large";
    SECTION("sent") {
        write_file(source, large);
        run_with_cut(directories, {.ends_at = 800'000}, {}, [&](TcpClient& client) -> asio::awaitable<void> {
            const FileSummary sent = co_await send_file(client, upload, source);
            CHECK(sent.resumed == 1);
            CHECK(sent.size == large.size());
            CHECK(sent.transferred >= large.size());
            CHECK(sent.transferred < 1'800'000);  // with what was under way
        });
        CHECK((read_file(directories.server() / "large") == large));
    }
    SECTION("received") {
        write_file(directories.server() / "large", large);
        run_with_cut(directories, {}, {.ends_at = 800'000}, [&](TcpClient& client) -> asio::awaitable<void> {
            const FileSummary received = co_await receive_file(client, download, "large", source);
            CHECK(received.resumed == 1);
            CHECK(received.transferred == large.size());
        });
        CHECK((read_file(source) == large));
    }
}

TEST_CASE("a file that may not be resumed fails with its connection, and the next call continues") {
    const Directories directories;
    const auto target = directories.client() / "large";
    write_file(directories.server() / "large", large);
    run_with_cut(directories, {}, {.ends_at = 800'000}, [&](TcpClient& client) -> asio::awaitable<void> {
        FileOptions options;
        options.resume_for = 0s;
        std::error_code failure;
        try {
            co_await receive_file(client, download, "large", target, options);
        } catch (const std::system_error& e) {
            failure = e.code();
        }
        CHECK(failure == communica::errc::connection_lost);
        CHECK_FALSE(std::filesystem::exists(target));
        const FileSummary received = co_await receive_file(client, download, "large", target, options);
        CHECK(received.transferred > 0);
        CHECK(received.transferred < 900'000);
    });
    CHECK((read_file(target) == large));
}

TEST_CASE("a beginning of another file is not continued") {
    const Directories directories;
    RoutePair pair(test::Transport::memory, directories.routes());
    const std::string content = content_of(100'000);
    const auto source = directories.client() / "file";
    const auto target = directories.client() / "target";
    write_file(source, content);
    for (const auto& beginning : {content_of(50'000, 2), content_of(200'000, 2), content.substr(0, 70'000)}) {
        CAPTURE(beginning.size());
        const std::size_t all = beginning == content.substr(0, 70'000) ? 30'000 : 100'000;
        write_file(directories.server() / ".file.part", beginning);
        write_file(directories.client() / ".target.part", beginning);
        pair.run([&]() -> asio::awaitable<void> {
            const FileSummary sent = co_await send_file(pair.client(), upload, source);
            CHECK(sent.transferred == all);
            const FileSummary received = co_await receive_file(pair.client(), download, "file", target);
            CHECK(received.transferred == all);
            const FileSummary again = co_await send_file(pair.client(), upload, source);  // it is there already
            CHECK(again.transferred == 0);
        });
        CHECK((read_file(directories.server() / "file") == content));
        CHECK((read_file(target) == content));
        std::filesystem::remove(target);
        std::filesystem::remove(directories.server() / "file");
    }
}

TEST_CASE("files are read and written on their executor") {
    asio::io_context at_server;
    asio::io_context at_client;
    FileOptions options;
    options.file_executor = at_server.get_executor();
    const Directories directories;
    RoutePair pair(test::Transport::memory, directories.routes(options));
    write_file(directories.client() / "file", content_of(200'000));
    const auto guards = std::pair(asio::make_work_guard(at_server), asio::make_work_guard(at_client));
    std::size_t server_steps = 0;
    std::size_t client_steps = 0;
    std::vector<std::thread> threads;
    threads.emplace_back([&] { server_steps = at_server.run(); });
    threads.emplace_back([&] { client_steps = at_client.run(); });
    pair.run([&]() -> asio::awaitable<void> {
        options.file_executor = at_client.get_executor();
        const auto own = std::this_thread::get_id();
        options.on_progress = [&](const FileProgress&) { CHECK(std::this_thread::get_id() == own); };
        co_await send_file(pair.client(), upload, directories.client() / "file", options);
        co_await receive_file(pair.client(), download, "file", directories.client() / "back", options);
    });
    at_server.stop();
    at_client.stop();
    for (auto& thread : threads) {
        thread.join();
    }
    CHECK(server_steps >= 12);  // opened, 4 parts, and completed; twice
    CHECK(client_steps >= 12);
    CHECK(read_file(directories.client() / "back") == content_of(200'000));
}

}  // namespace send_receive_tests
