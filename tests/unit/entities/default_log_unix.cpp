#include "support/catch.hpp"
#include "support/run.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/memory.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <unistd.h>

namespace default_log_tests {

using communica::LogLevel;
using communica::entities::DefaultLog;

namespace {

/// What is written to standard error while `work` runs; fits into a pipe.
std::string written_by(const std::function<void()>& work) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    work();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::string all;
    std::array<char, 4096> bytes{};
    for (::ssize_t size = 0; (size = ::read(ends[0], bytes.data(), bytes.size())) > 0;) {
        all.append(bytes.data(), static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    return all;
}

/// What a server writes whose handler throws.
std::string written_by_server(communica::Log log) {
    return written_by([&] {
        asio::io_context context;
        const communica::MemoryConnector connector;
        communica::RouteTable<> routes;
        routes.add("divide", [](int) -> int { throw std::runtime_error("by zero"); });
        communica::ServerOptions options;
        options.log = std::move(log);
        communica::RouteServer server(context, connector, routes, options);
        communica::RouteClient client(context, connector);
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            const auto error = co_await test::error_of(client.request<int>("divide", 1));
            CHECK(error.message == "by zero");
            co_await client.close();
            co_await server.close();
        });
    });
}

}  // namespace

TEST_CASE("what a peer sends adds no line to the default log, and does not control the terminal") {
    CHECK(written_by([] { DefaultLog()(LogLevel::warning, "failed: \x1B[2J\ncommunica: warning: forged"); }) ==
          "communica: warning: failed: \\x1b[2J\\x0acommunica: warning: forged\n");
}

TEST_CASE("an entity without a log writes warnings to standard error, and with no_log nothing") {
    CHECK(written_by_server({}) == "communica: warning: the request \"divide\" failed: by zero\n");
    CHECK(written_by_server(communica::no_log).empty());
}

TEST_CASE("the default log writes 20 lines a second, and says in the next how many it left out") {
    const DefaultLog log;
    const auto begun = std::chrono::steady_clock::now();
    const std::string first = written_by([&] {
        for (int number = 0; number != 25; ++number) {
            log(LogLevel::warning, "failed");
        }
    });
    if (std::chrono::steady_clock::now() - begun >= std::chrono::seconds{1}) {
        WARN("skipped: 25 lines took more than a second");
        return;
    }
    CHECK(std::ranges::count(first, '\n') == 20);
    asio::io_context context;
    asio::steady_timer(context, std::chrono::seconds{1}).wait();
    CHECK(written_by([&] { log(LogLevel::error, "failed again"); }) ==
          "communica: (5 lines left out) error: failed again\n");
}

}  // namespace default_log_tests
