// Servers of local sockets that accept nobody for a while, until the system takes no more connections for them.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/local.hpp>
#include <communica/entities/simple_client.hpp>

#include <asio/local/stream_protocol.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace local_backlog_unix {

using communica::Connection;
using communica::Error;
using communica::LocalConnector;
using communica::detail::OwnedDescriptor;
using namespace std::chrono_literals;

namespace {

/// A listening socket at a connector's address, and as many connections as its backlog takes.
class FullServer {
 public:
    FullServer() {
        address_.sun_family = AF_UNIX;
        connector.address().copy(address_.sun_path, sizeof address_.sun_path - 1);
        REQUIRE(::bind(listening_.get(), raw_address(), sizeof address_) == 0);
        REQUIRE(::listen(listening_.get(), 1) == 0);
        do {
            waiting_.emplace_back(open_socket());
        } while (::connect(waiting_.back().get(), raw_address(), sizeof address_) == 0);
        REQUIRE(errno == EAGAIN);
        REQUIRE(waiting_.size() > 1);
    }

    /// False if nobody waits.
    bool accept() {
        accepted_.emplace_back(::accept(listening_.get(), nullptr, nullptr));
        return accepted_.back().get() >= 0;
    }
    /// Accepts all who wait. Has one of them sent something?
    bool accept_and_hear() {
        while (accept()) {
        }
        accepted_.pop_back();
        return std::any_of(accepted_.begin(), accepted_.end(), [](const auto& descriptor) {
            char first{};
            return ::recv(descriptor.get(), &first, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
        });
    }

 private:
    static int open_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }
    const ::sockaddr* raw_address() const { return reinterpret_cast<const ::sockaddr*>(&address_); }

    test::TemporaryDirectory directory_;

 public:
    const LocalConnector connector{"full", {.directory = directory_.path()}};

 private:
    ::sockaddr_un address_{};
    const OwnedDescriptor listening_{open_socket()};
    std::list<OwnedDescriptor> waiting_;
    std::list<OwnedDescriptor> accepted_;
};

/// An attempt that has begun, and how it ended.
struct Attempt {
    std::optional<Error> ending;
    std::shared_ptr<Connection> connection;
    asio::cancellation_signal cancel;

    /// Begins it, and lets the context do all that can be done without waiting.
    Attempt(asio::io_context& context, const LocalConnector& connector) {
        asio::co_spawn(context, connector.connect(context.get_executor(), {}),
                       asio::bind_cancellation_slot(
                           cancel.slot(), [this](std::exception_ptr failure, std::shared_ptr<Connection> made) {
                               ending = failure ? Error::from(failure) : Error{};
                               connection = std::move(made);
                           }));
        context.poll();
    }
};

}  // namespace

TEST_CASE("connecting waits while the server's backlog is full, and connects as soon as there is room") {
    FullServer server;
    asio::io_context context;
    Attempt attempt(context, server.connector);
    REQUIRE_FALSE(attempt.ending);
    context.run_for(100ms);  // in which it tries again, and its pauses grow to the longest
    REQUIRE_FALSE(attempt.ending);

    REQUIRE(server.accept());
    const auto begin = std::chrono::steady_clock::now();
    test::run(context,
              [&]() -> asio::awaitable<void> { co_await test::until([&] { return attempt.ending.has_value(); }); });
    CHECK(std::chrono::steady_clock::now() - begin < 500ms);
    REQUIRE(attempt.ending->text() == Error{}.text());
    REQUIRE(attempt.connection != nullptr);
    CHECK(attempt.connection->credentials().pid == ::getpid());
}

TEST_CASE("a client's attempt that ends while the server's backlog is full names the reason") {
    FullServer server;
    asio::io_context context;
    communica::ClientOptions options;
    options.connect_timeout = 20ms;
    options.backoff = communica::BackoffOptions{.first = 10s};
    communica::SimpleClient client{context, server.connector, options};
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto error = co_await test::error_of(client.connect({.timeout = 1s}));
        CHECK(error.code == communica::errc::timeout);
        CHECK(error.message.find("full.sock: the backlog of its server is full") != std::string::npos);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("connecting to a server whose backlog is full can be cancelled") {
    FullServer server;
    asio::io_context context;
    Attempt attempt(context, server.connector);
    REQUIRE_FALSE(attempt.ending);
    attempt.cancel.emit(asio::cancellation_type::terminal);
    test::run_out(context);
    REQUIRE(attempt.ending);
    CHECK(attempt.ending->code == asio::error::operation_aborted);
    CHECK(attempt.ending->message.find("backlog") != std::string::npos);
}

TEST_CASE("a client needs no second attempt for a server whose backlog was full") {
    FullServer server;
    asio::io_context context;
    communica::ClientOptions options;
    options.connect_timeout = test::patience;
    std::vector<std::string> lines;
    options.log = [&](communica::LogLevel, std::string_view line) { lines.emplace_back(line); };
    communica::SimpleClient client{context, server.connector, options};
    asio::co_spawn(context, client.run(), asio::detached);
    context.run_for(100ms);  // in which its attempt waits
    CHECK(lines.empty());

    const auto begin = std::chrono::steady_clock::now();
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await test::until([&] { return server.accept_and_hear(); });
        CHECK(std::chrono::steady_clock::now() - begin < 500ms);
        CHECK(lines.empty());
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("the file of a server whose backlog is full is not taken for a stale one") {
    FullServer server;
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto error = co_await test::error_of(server.connector.listen(context.get_executor(), {}));
        CHECK(error.code == asio::error::address_in_use);
    });
    CHECK(std::filesystem::is_socket(server.connector.address()));
}

}  // namespace local_backlog_unix
