// A service manager, or what stands in for one here, that listens for a server which is not there yet.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/process.hpp"
#include "support/run.hpp"
#include "support/temporary_directory.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/activation.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/local/datagram_protocol.hpp>
#include <asio/local/stream_protocol.hpp>

#include <filesystem>

#include <fcntl.h>

namespace activation_unix {

using communica::AnyConnector;
using test::Process;

namespace {

/// Hands a socket to the processes that it starts.
class Manager {
 public:
    Manager(asio::io_context& context, const std::string& directory)
        : path_(directory + "/notify"), notified_(context, asio::local::datagram_protocol::endpoint(path_)) {}

    Process start(int socket) const {
        ::fcntl(socket, F_SETFD, 0);  // inherited
        const std::string program = std::string(COMMUNICA_TEST_PROGRAMS_DIR) + "/activated";
        const std::string command = "exec 3<&" + std::to_string(socket) +
                                    "; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=first NOTIFY_SOCKET='" + path_ +
                                    "'; exec '" + program + "'";
        test::ProcessOptions options;
        options.inherited = socket;
        return Process("/bin/sh", {"-c", command}, options);
    }
    asio::awaitable<std::string> notification() {
        std::string text(100, '\0');
        const std::size_t size = co_await notified_.async_receive(asio::buffer(text), asio::use_awaitable);
        co_return text.substr(0, size);
    }

 private:
    std::string path_;
    asio::local::datagram_protocol::socket notified_;
};

/// Clients that ask before there is a server, and while it is replaced.
void serve_one_after_the_other(asio::io_context& context, Manager& manager, int socket, const AnyConnector& connector) {
    communica::ClientOptions options;
    options.backoff =
        communica::BackoffOptions{.first = std::chrono::milliseconds{2}, .most = std::chrono::milliseconds{20}};
    communica::RouteClient client(context, connector, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        std::optional<std::int64_t> early;
        client.request<std::int64_t>("pid", nullptr,
                                     [&early](const std::exception_ptr&, std::int64_t pid) { early = pid; });
        client.start();
        {
            Process first = manager.start(socket);
            const std::string state = first.expect("READY");
            CHECK(AnyConnector::load_state(state).address() == connector.address());
            const std::string ready = co_await manager.notification();
            CHECK(ready == "READY=1");
            co_await test::until([&] { return early.has_value(); });
            CHECK(*early == first.id());
            const auto name = co_await client.request<std::string>("name", nullptr);
            CHECK(name == "first");
            const auto left = co_await client.request<bool>("left", nullptr);
            CHECK_FALSE(left);
            first.kill();
            CHECK(first.wait() == test::killed);
        }
        Process second = manager.start(socket);
        const std::string ready = co_await manager.notification();
        CHECK(ready == "READY=1");
        const auto pid = co_await client.request<std::int64_t>("pid", nullptr);
        CHECK(pid == second.id());
        second.end_input();
        const std::string stopping = co_await manager.notification();
        CHECK(stopping == "STOPPING=1");
        CHECK(second.wait() == test::in_order);
        client.stop();
    });
    test::run_out(context);
}

}  // namespace

TEST_CASE("a server takes over a local socket at which a service manager listens, and leaves its file") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    Manager manager(context, directory.path());
    const std::string path = directory.path() + "/service.sock";
    asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path));
    serve_one_after_the_other(context, manager, acceptor.native_handle(),
                              communica::LocalConnector("service", {.directory = directory.path()}));
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("a server takes over a TCP socket at which a service manager listens") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    Manager manager(context, directory.path());
    asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    serve_one_after_the_other(context, manager, acceptor.native_handle(),
                              communica::TcpConnector("127.0.0.1", acceptor.local_endpoint().port()));
}

TEST_CASE("who was started by no service manager finds no sockets, and tells nobody") {
    CHECK(communica::activated_sockets().empty());
    CHECK_FALSE(communica::notify_service_manager("READY=1"));
}

TEST_CASE("only those who are trusted are served at a socket that somebody else made") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const std::string path = directory.path() + "/service.sock";
    asio::local::stream_protocol::acceptor acceptor(context, asio::local::stream_protocol::endpoint(path));
    const int socket = acceptor.release();
    communica::DescriptorOptions nobody;
    nobody.users = {4711};
    communica::SimpleServer server(context, communica::DescriptorConnector(socket, nobody),
                                   [](int number) { return number; });
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::SimpleClient client(context, communica::LocalConnector("service", {.directory = directory.path()}));
        const communica::ConnectOptions once{.attempts = 1};
        const auto error = co_await test::error_of(client.connect(once));
        CHECK(error.code == communica::errc::handshake_failed);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace activation_unix
