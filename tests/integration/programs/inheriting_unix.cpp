// inheriting TCP_STATE LOCAL_STATE DESCRIPTOR DIRECTORY: holds all kinds of descriptors of the library, then starts a
// program of its own by exec, which says what it has inherited and lives on.
//
// Says which descriptors were open at the start, `TCP` and `LOCAL` with the states of connectors to its servers, and
// `CONNECTED` once both of these have a client and its own three clients are connected: by the two states given and
// over the descriptor.
#include "support/program.hpp"

#include <communica/communica.hpp>

#include <csignal>
#include <iostream>
#include <set>

#include <dirent.h>
#include <spawn.h>
#include <sys/prctl.h>

extern char** environ;

namespace {

std::string open_descriptors() {
    std::set<int> numbers;
    ::DIR* directory = ::opendir("/proc/self/fd");
    while (const ::dirent* entry = ::readdir(directory)) {
        if (entry->d_name[0] != '.' && std::stoi(entry->d_name) != ::dirfd(directory)) {
            numbers.insert(std::stoi(entry->d_name));
        }
    }
    ::closedir(directory);
    std::string text;
    for (const int number : numbers) {
        text += " " + std::to_string(number);
    }
    return text;
}

/// The program that was started by the other: answers each line until the input ends.
int outlive() {
    test::say("INHERITED" + open_descriptors());
    for (std::string line; std::getline(std::cin, line);) {
        test::say("ALIVE");
    }
    return 0;
}

void start_another() {
    char program[] = "/proc/self/exe";
    char argument[] = "outlive";
    char* arguments[] = {program, argument, nullptr};
    ::pid_t ignored = 0;
    if (const int error = ::posix_spawn(&ignored, program, nullptr, nullptr, arguments, environ)) {
        throw std::system_error(error, std::generic_category(), "posix_spawn");
    }
}

using Server = communica::RouteServer<communica::AnyConnector>;
using Client = communica::RouteClient<communica::AnyConnector>;

asio::awaitable<void> hold(std::vector<std::unique_ptr<Server>>& servers,
                           std::vector<std::unique_ptr<Client>>& clients) {
    co_await servers[0]->start();
    co_await servers[1]->start();
    test::say("TCP " + servers[0]->connector_state());
    test::say("LOCAL " + servers[1]->connector_state());
    for (const auto& client : clients) {
        co_await client->connect();
    }
    const auto executor = co_await asio::this_coro::executor;
    while (servers[0]->client_ids().empty() || servers[1]->client_ids().empty()) {
        co_await asio::post(executor, asio::use_awaitable);
    }
    test::say("CONNECTED");
    start_another();
    asio::steady_timer never(executor, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2) {
        return outlive();
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    test::say("OPEN" + open_descriptors());
    asio::io_context context;
    std::vector<std::unique_ptr<Server>> servers;
    std::vector<std::unique_ptr<Client>> clients;
    const communica::RouteTable<> routes;
    const communica::AnyConnector at[] = {communica::TcpConnector("127.0.0.1", 0),
                                          communica::LocalConnector("inheriting", {.directory = argv[4]})};
    const communica::AnyConnector to[] = {communica::AnyConnector::load_state(argv[1]),
                                          communica::AnyConnector::load_state(argv[2]),
                                          communica::DescriptorConnector(std::stoi(argv[3]))};
    for (const auto& connector : at) {
        servers.push_back(std::make_unique<Server>(context, connector, routes));
    }
    for (const auto& connector : to) {
        communica::ClientOptions options;
        options.client_id = "inheriting";
        clients.push_back(std::make_unique<Client>(context, connector, routes, options));
    }
    return test::run_program(context, hold(servers, clients));
}
