// A local socket whose file somebody removes while it is served.
#include "support/pair.hpp"
#include "support/temporary_directory.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace socket_files {

using communica::LocalConnector;
using test::error_of;
using namespace std::chrono_literals;

TEST_CASE("a socket file that is removed is noticed, said and made again, and so is its directory") {
    const test::TemporaryDirectory directory;
    const std::string place = directory.path() + "/sockets";
    const LocalConnector connector("x", {.directory = place});
    asio::io_context context;
    std::vector<std::string> said;
    communica::ServerOptions options;
    options.log = [&](communica::LogLevel level, std::string_view text) {
        if (level >= communica::LogLevel::warning) {
            said.emplace_back(text);
        }
    };
    communica::SimpleServer server(context, connector, [](int number) { return number + 1; }, {}, options);
    const auto ask = [&](std::string id) -> asio::awaitable<void> {
        communica::SimpleClient client(context, connector, test::quick_client(std::move(id)));
        CHECK_AWAITED(2, client.request<int>(1));
        co_await client.close();
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::SimpleClient lasting(context, connector, test::quick_client("lasting"));
        CHECK_AWAITED(2, lasting.request<int>(1));

        std::filesystem::remove(place + "/x.sock");
        co_await ask("first");
        REQUIRE(said.size() == 1);
        CHECK(said.back().find("x.sock was removed, and is there again") != std::string::npos);

        std::filesystem::remove_all(place);
        co_await ask("second");
        CHECK(said.size() == 2);
        CHECK_AWAITED(3, lasting.request<int>(2));  // whose connection needs no file
        co_await lasting.close();
        co_await server.close();
        CHECK_FALSE(std::filesystem::exists(place + "/x.sock"));
    });
    test::run_out(context);
}

TEST_CASE("a name that another server has taken meanwhile is left to it, and that is said once") {
    const test::TemporaryDirectory directory;
    const LocalConnector connector("x", {.directory = directory.path()});
    asio::io_context context;
    int said = 0;
    communica::ServerOptions options;
    options.log = [&](communica::LogLevel level, std::string_view text) {
        said += level >= communica::LogLevel::warning && text.find("x.sock was removed: ") != std::string_view::npos
                    ? 1
                    : 0;
    };
    communica::SimpleServer server(context, connector, [](int number) { return number + 1; }, {}, options);
    communica::SimpleServer newcomer(context, connector, [](int number) { return number + 2; });
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        std::filesystem::remove(connector.address());
        co_await newcomer.start();
        co_await test::until([&] { return said == 1; });
        communica::SimpleClient client(context, connector, test::quick_client());
        CHECK_AWAITED(3, client.request<int>(1));
        co_await client.close();
        co_await server.close();
        CHECK(std::filesystem::is_socket(connector.address()));
        co_await newcomer.close();
    });
    CHECK(said == 1);
    test::run_out(context);
}

}  // namespace socket_files
