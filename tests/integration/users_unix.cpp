// Who may be at the other end of a local socket. Only root can be several users.
#include "support/environment.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/scripted_peer.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace users {

using communica::Context;
using communica::Error;
using communica::LocalConnector;
using test::error_of;
using test::Routes;
using namespace std::chrono_literals;

namespace {

using Server = communica::RouteServer<LocalConnector>;
using Client = communica::RouteClient<LocalConnector>;

constexpr ::uid_t nobody = 65534;

bool is_root() {
    if (::geteuid() != 0) {
        WARN("skipped: only root can be several users");
    }
    return ::geteuid() == 0;
}

/// While it lives, this process is somebody else.
class Being {
 public:
    explicit Being(::uid_t user) { REQUIRE(::seteuid(user) == 0); }
    Being(const Being&) = delete;
    Being& operator=(const Being&) = delete;
    ~Being() { (void)::seteuid(0); }
};

/// A directory that everybody can pass through.
struct Place {
    explicit Place(::uid_t owner = 0) {
        std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
        REQUIRE(::chown(directory.path().c_str(), owner, owner) == 0);
    }
    LocalConnector connector(std::vector<std::int64_t> trusted = {}) const {
        return LocalConnector("users", {.directory = directory.path(), .users = std::move(trusted)});
    }
    std::string socket() const { return directory.path() + "/users.sock"; }
    ::mode_t mode() const {
        struct ::stat info{};
        REQUIRE(::stat(socket().c_str(), &info) == 0);
        return info.st_mode & 0777;
    }

    test::TemporaryDirectory directory;
};

Routes who() {
    Routes table;
    table.add("who", [](Context& context) { return context.credentials().uid.value_or(-1); });
    return table;
}

communica::ClientOptions named(std::string id) { return test::quick_client(std::move(id)); }

}  // namespace

TEST_CASE("a local socket lets its own user and root in, and the system keeps others out") {
    if (!is_root()) {
        return;
    }
    const Place place;
    asio::io_context context;
    Server server(context, place.connector(), who());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        CHECK(place.mode() == 0600);
        Client client(context, place.connector(), Routes{}, named("root"));
        co_await client.connect();
        CHECK_AWAITED(0, client.request<int>("who", nullptr));
        const Being other(nobody);
        Client stranger(context, place.connector(), Routes{}, named("stranger"));
        const Error refused = co_await error_of(stranger.connect({.timeout = 20ms}));
        CHECK(refused.message.find("Permission denied") != std::string::npos);
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("a server that names its users reads nothing of others, whoever they are") {
    if (!is_root()) {
        return;
    }
    const Place place;
    asio::io_context context;
    std::vector<std::string> said;
    communica::ServerOptions options;
    options.log = [&](communica::LogLevel, std::string_view text) { said.emplace_back(text); };
    Server server(context, place.connector({nobody}), who(), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        CHECK(place.mode() == 0666);
        // Root is not named. The hello is there at once, and is not looked at.
        test::ScriptedPeer root = co_await test::ScriptedPeer::connect(place.connector().dump_state());
        co_await root.send(test::client_hello("root"));
        const std::string answer = co_await root.read_to_end();
        CHECK(answer.empty());
        CHECK(std::count(said.begin(), said.end(), "a connection was closed: its user is not let in") == 1);
        {
            const Being other(nobody);
            Client client(context, place.connector({0}), Routes{}, named("nobody"));
            co_await client.connect();
            CHECK_AWAITED(static_cast<int>(nobody), client.request<int>("who", nullptr));
            co_await client.close();
        }
        co_await server.close();
    });
}

TEST_CASE("a client does not talk to the server of a user whom it does not trust") {
    if (!is_root()) {
        return;
    }
    const Place place;
    asio::io_context context;
    Server server(context, place.connector({0}), who());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Client suspicious(context, place.connector({nobody}), Routes{}, named("suspicious"));
        const Error refused = co_await error_of(suspicious.connect({.timeout = 20ms}));
        CHECK(refused.message.find("the socket of a user who is not trusted") != std::string::npos);
        CHECK(server.client_ids().empty());
        Client trusting(context, place.connector({0, nobody}), Routes{}, named("trusting"));
        co_await trusting.connect();
        CHECK_AWAITED(0, trusting.request<int>("who", nullptr));
        co_await trusting.close();
        co_await server.close();
    });
}

TEST_CASE("the directory of a user who is trusted may hold the socket, that of another may not") {
    if (!is_root()) {
        return;
    }
    const Place place(nobody);
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        Server careful(context, place.connector(), who());
        const Error refused = co_await error_of(careful.start());
        CHECK(refused.code == std::errc::permission_denied);
        Server trusting(context, place.connector({0, nobody}), who());
        co_await trusting.start();
        co_await trusting.close();
    });
}

TEST_CASE("a client of root talks to the server of the user who owns the directory, and to no other user's") {
    if (!is_root()) {
        return;
    }
    constexpr ::uid_t another = 1234;
    const Place place(nobody);
    asio::io_context context;
    Server server(context, place.connector(), who());
    test::run(context, [&]() -> asio::awaitable<void> {
        {
            const Being user(nobody);
            co_await server.start();
        }
        CHECK(place.mode() == 0600);
        Client root(context, place.connector(), Routes{}, named("root"));
        co_await root.connect();
        CHECK_AWAITED(0, root.request<int>("who", nullptr));
        co_await root.close();

        Client careful(context, place.connector({0}), Routes{}, named("careful"));
        const Error named_only = co_await error_of(careful.connect({.timeout = 20ms}));
        CHECK(named_only.message.find("has to be a directory of") != std::string::npos);
        {
            const Being user(another);
            Client stranger(context, place.connector(), Routes{}, named("stranger"));
            const Error refused = co_await error_of(stranger.connect({.timeout = 20ms}));
            CHECK(refused.message.find("has to be a directory of") != std::string::npos);
        }
        // Root does not mistake the server of one user for that of another.
        REQUIRE(::chown(place.directory.path().c_str(), another, another) == 0);
        Client deceived(context, place.connector(), Routes{}, named("deceived"));
        const Error posed = co_await error_of(deceived.connect({.timeout = 20ms}));
        CHECK(posed.message.find("the socket of a user who is not trusted") != std::string::npos);
        CHECK(server.client_ids().empty());
        co_await server.close();
    });
}

TEST_CASE(
    "a client of root does not talk to the user who has made the Python library's place, unless it names the "
    "directory") {
    if (!is_root()) {
        return;
    }
    const Place place;
    std::filesystem::permissions(place.directory.path(), std::filesystem::perms(01777));
    const test::Variable temporary("TMPDIR", place.directory.path());
    const test::Variable runtime("XDG_RUNTIME_DIR", "");
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        std::optional<Server> server;
        {
            const Being user(nobody);
            server.emplace(context, LocalConnector("users"), who());
            co_await server->start();
        }
        Client root(context, LocalConnector("users"), Routes{}, named("root"));
        const Error refused = co_await error_of(root.connect({.timeout = 20ms}));
        CHECK(refused.message.find("has to be a directory of") != std::string::npos);
        const std::string directory = place.directory.path() + "/communica";
        Client choosing(context, LocalConnector("users", {.directory = directory}), Routes{}, named("root"));
        co_await choosing.connect();
        CHECK_AWAITED(0, choosing.request<int>("who", nullptr));
        co_await choosing.close();
        co_await server->close();
    });
}

TEST_CASE("the id of a client that is away is not another user's, however many ids he says, nor what is sent to it") {
    if (!is_root()) {
        return;
    }
    constexpr ::uid_t ann = 1234;
    const Place place;
    const LocalConnector connector = place.connector({ann, nobody});
    const LocalConnector of_root = place.connector({0});
    asio::io_context context;
    communica::ServerOptions options;
    options.resume_window = 0s;  // what is known of an absent client is forgotten at once, but for its user
    Server server(context, connector, Routes(), options);
    Routes whose;
    whose.add("whose", [] { return std::string("ann's"); });
    Routes stolen;
    stolen.add("whose", [] { return std::string("another's"); });
    Client first(context, of_root, whose, named("x"));
    Client thief(context, of_root, stolen, named("x"));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        {
            const Being user(ann);
            co_await first.connect();
            co_await first.close();
        }
        co_await test::until([&] { return server.client_ids().empty(); });
        std::optional<std::string> answer;
        server.client("x").request<std::string>(
            "whose", nullptr, [&](const std::exception_ptr&, std::string text) { answer = std::move(text); });
        {
            const Being user(nobody);
            const std::string state = connector.dump_state();
            for (int number = 0; number != 1100; ++number) {  // more than are kept of one user
                const std::string id = "y" + std::to_string(number);
                auto peer = co_await test::ScriptedPeer::greet(state, id);
                peer.cut();
            }
            const Error refused = co_await error_of(thief.connect({.attempts = 1}));
            CHECK(refused.code == communica::errc::handshake_failed);
            CHECK(refused.message.find("this client id belongs to another user") != std::string::npos);
        }
        CHECK_FALSE(answer);
        {
            const Being user(ann);
            co_await first.connect();
        }
        co_await test::until([&] { return answer.has_value(); });
        CHECK(answer == "ann's");
        co_await first.close();
        co_await server.close();
    });
}

namespace {

/// Two users on one machine: each has a daemon of the same name, as a process. Ann has a runtime directory.
struct Machine {
    static constexpr ::uid_t ann = 1234;

    Machine() {
        std::filesystem::permissions(place.directory.path(), std::filesystem::perms(01777));
        std::filesystem::create_directory(runtime);
        std::filesystem::permissions(runtime, std::filesystem::perms(0700));
        REQUIRE(::chown(runtime.c_str(), ann, ann) == 0);
    }

    test::Process start(::uid_t user, std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), std::to_string(user));
        return test::Process("daemon_of_user", std::move(arguments),
                             {.environment = {"XDG_RUNTIME_DIR=" + (user == ann ? runtime : std::string())}});
    }
    /// What a client of this user says about a server.
    std::string ask(::uid_t user, const std::string& id, const std::string& directory = {}) const {
        test::Process client = start(user, {"ask", id, directory});
        const std::string said = client.read_line().value_or("nothing");
        CHECK(client.wait() == test::in_order);
        return said;
    }

    Place place;
    std::string runtime = place.directory.path() + "/runtime";
    test::Variable temporary{"TMPDIR", place.directory.path()};
    test::Variable no_runtime{"XDG_RUNTIME_DIR", ""};
};

}  // namespace

TEST_CASE("daemons of two users and of root have one name, each in a place of its own, and root may ask them all") {
    if (!is_root()) {
        return;
    }
    const Machine machine;
    asio::io_context context;
    Server of_root(context, LocalConnector("daemon"), who());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await of_root.start();  // first: the Python library's place is root's, too
        test::Process of_ann = machine.start(Machine::ann, {"serve"});
        test::Process of_nobody = machine.start(nobody, {"serve"});
        const std::string place_of_ann = of_ann.expect("READY");
        const std::string place_of_nobody = of_nobody.expect("READY");
        CHECK(place_of_ann == machine.runtime + "/communica");
        CHECK(place_of_nobody == machine.place.directory.path() + "/communica-" + std::to_string(nobody));
        CHECK(communica::local_directory() == machine.place.directory.path() + "/communica-0");

        CHECK(machine.ask(Machine::ann, "x") == "ANSWER 1234 1234");
        CHECK(machine.ask(nobody, "x") == "ANSWER 65534 65534");
        CHECK(machine.ask(0, "root", place_of_ann) == "ANSWER 1234 0");
        CHECK(machine.ask(0, "root", place_of_nobody) == "ANSWER 65534 0");
        CHECK(machine.ask(nobody, "y", place_of_ann).starts_with("REFUSED "));
        CHECK(machine.ask(Machine::ann, "y", place_of_nobody).starts_with("REFUSED "));
        for (test::Process* daemon : {&of_ann, &of_nobody}) {
            daemon->end_input();
            CHECK(daemon->wait() == test::in_order);
        }
        co_await of_root.close();
    });
}

TEST_CASE("a process of one user can not take the id of another's") {
    if (!is_root()) {
        return;
    }
    const Machine machine;
    const std::string directory = machine.place.directory.path() + "/shared";
    std::filesystem::create_directory(directory);
    asio::io_context context;
    Routes routes;
    routes.add("users", [](Context& caller) { return "0 " + std::to_string(caller.credentials().uid.value_or(-1)); });
    const LocalConnector shared("daemon", {.directory = directory, .users = {0, Machine::ann, nobody}});
    Server server(context, shared, routes);
    test::run(context, [&]() -> asio::awaitable<void> { co_await server.start(); });
    std::thread serving([&] { context.run(); });
    CHECK(machine.ask(Machine::ann, "x", directory) == "ANSWER 0 1234");
    CHECK(machine.ask(nobody, "x", directory).find("this client id belongs to another user") != std::string::npos);
    CHECK(machine.ask(nobody, "y", directory) == "ANSWER 0 65534");
    CHECK(machine.ask(Machine::ann, "x", directory) == "ANSWER 0 1234");
    server.close([](const std::exception_ptr&) {});
    serving.join();
}

TEST_CASE("the users of a local socket are a part of its state") {
    const LocalConnector connector("x", {.directory = "/d", .users = {0, 1000}});
    CHECK(connector.dump_state() == R"({"type": "LocalConnector", "name": "x", "directory": "/d", "users": [0,1000]})");
    CHECK(LocalConnector::load_state(connector.dump_state()).dump_state() == connector.dump_state());
}

}  // namespace users
