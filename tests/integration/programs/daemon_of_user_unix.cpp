// A program of another user, who is the first argument. Root alone can start it.
//
//     daemon_of_user UID serve                 serves "daemon" until its input ends; says `READY` and its directory
//     daemon_of_user UID ask ID [DIRECTORY]    asks "daemon" as client ID; says `ANSWER`, with the server's user and its
//                                           own, or `REFUSED` and why
#include "support/program.hpp"

#include <communica/communica.hpp>

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>

#include <grp.h>
#include <unistd.h>

namespace {

using communica::Context;
using communica::LocalConnector;

void become(::uid_t user) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0) {
        throw std::system_error(errno, std::generic_category(), "setuid");
    }
}

asio::awaitable<void> serve() {
    communica::RouteTable<> routes;
    routes.add("users", [](Context& context) {
        return std::to_string(::geteuid()) + " " + std::to_string(context.credentials().uid.value_or(-1));
    });
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteServer server(executor, LocalConnector("daemon"), routes);
    co_await server.start();
    test::say("READY " + communica::local_directory());
    co_await test::input_ended();
    co_await server.close();
}

asio::awaitable<void> ask(std::string id, std::string directory) {
    const auto executor = co_await asio::this_coro::executor;
    const communica::LocalOptions place{.directory = directory};
    communica::ClientOptions options;
    options.client_id = id;
    communica::RouteClient client(executor, LocalConnector("daemon", place), communica::RouteTable<>(), options);
    try {
        co_await client.connect({.attempts = 1});
        test::say("ANSWER " + co_await client.request<std::string>("users", nullptr));
    } catch (const std::exception& e) {
        test::say(std::string("REFUSED ") + e.what());
    }
    co_await client.close();
}

}  // namespace

int main(int argc, char** argv) {
    become(static_cast<::uid_t>(std::stoul(argv[1])));
    asio::io_context context;
    if (std::string(argv[2]) == "serve") {
        return test::run_program(context, serve());
    }
    return test::run_program(context, ask(argv[3], argc > 4 ? argv[4] : ""));
}
