// Pieces of code that the documentation shows, each of which runs here: tools/docs_code puts them into the pages.

#include <communica/communica.hpp>
#include <communica/files/directory.hpp>
#include <communica/files/send_receive.hpp>
#include <communica/schema/contract_check.hpp>

#include <asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

void require(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(what);
}

// ---- the first program -----------------------------------------------------------------------------------------------

namespace first {

asio::awaitable<void> serve(asio::any_io_executor executor) {
    communica::SimpleServer server{executor, communica::TcpConnector{"localhost", 16161},
                                   [](std::string data) { return "Thanks for your '" + data + "'!"; }};
    co_await server.run();  // until server.stop()
}

asio::awaitable<void> talk(asio::any_io_executor executor) {
    communica::SimpleClient client{executor, communica::TcpConnector{"localhost", 16161}};
    co_await client.connect();
    const auto answer = co_await client.request<std::string>("hello");
    std::cout << answer << '\n';  // Thanks for your 'hello'!
    co_await client.close();
}

}  // namespace first

// ---- models ------------------------------------------------------------------------------------------------------------

namespace models {

struct User {
    std::string name;
    std::uint8_t age = 0;
    std::optional<std::string> nick;
};
COMMUNICA_MODEL(User, name, age, nick)  // in the namespace of User

enum class Colour { red, green };
COMMUNICA_ENUM(Colour, red, green)

}  // namespace models

namespace models_by_function {

enum class Colour { red, green };
struct User {
    std::string name;
    std::uint8_t age = 0;
    std::optional<std::string> nick;
    Colour colour = Colour::red;
};

constexpr auto communica_model(communica::Type<Colour>) {
    return communica::enumerators<Colour>({{"RED", Colour::red}, {"GREEN", Colour::green}});
}
constexpr auto communica_model(communica::Type<User>) {
    return communica::model("User", communica::field("user-name", &User::name),
                            communica::field("age", &User::age).optional(),     // missing: as initialised
                            communica::field("nick", &User::nick).omit_null(),  // not there instead of null
                            communica::field("colour", &User::colour))
        .refuse_unknown();  // no other field
}

}  // namespace models_by_function

struct Uuid {
    static Uuid parse(const std::string& text) {
        if (text.size() != 4) throw std::invalid_argument("expected a UUID");
        return {text};
    }
    const std::string& text() const { return text_; }
    std::string text_;
};

template <>
struct communica::Converter<Uuid> {
    static std::string dump(const Uuid& uuid) { return uuid.text(); }
    static Uuid load(const std::string& text) { return Uuid::parse(text); }  // errors are reported with the place
};

asio::awaitable<void> try_models(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteTable table;
    table.add("older", [](models::User user) { return ++user.age, user; });
    table.add("colour", [](models::Colour colour) { return colour; });
    table.add("same", [](models_by_function::User user) { return user; });
    table.add("uuid", [](Uuid uuid) { return uuid; });
    communica::RouteServer server{executor, connector, table};
    co_await server.start();
    communica::RouteClient client{executor, connector};

    const models::User ann{"Ann", 41, std::nullopt};
    const auto older = co_await client.request<models::User>("older", ann);
    require(older.age == 42 && older.name == "Ann", "a model");
    const auto red = co_await client.request<std::string>("colour", models::Colour::red);
    require(red == "red", "an enum");
    const auto user = nlohmann::json::parse(R"({"user-name": "Ann", "colour": "GREEN"})");
    const auto same = co_await client.request<nlohmann::json>("same", user);
    require(same["age"] == 0 && same["colour"] == "GREEN" && !same.contains("nick"), "a model by a function");
    const auto refused = co_await client.try_request<std::string>("uuid", "x");
    require(refused.error().message == "expected a UUID", "a converter");
    co_await client.close();
    co_await server.close();
}

// ---- serializers -------------------------------------------------------------------------------------------------------

namespace choices {

using models::User;

std::string checksum(communica::Bytes bytes) { return std::to_string(bytes.size()); }

inline constexpr communica::Route<User(int), communica::CborSerializer> find_user{"find_user"};

asio::awaitable<void> choose(communica::MemoryConnector connector, communica::MemoryConnector other) {
    const auto executor = co_await asio::this_coro::executor;
    // An entity, a table, a route of a table, a typed route that says its own (find_user), and a single call:
    communica::SimpleServer doubler{executor, other, [](int number) { return 2 * number; },
                                    communica::CborSerializer{}};
    communica::RouteTable table{communica::MsgpackSerializer{}};
    table.add("checksum", checksum, communica::BytesSerializer{});
    table.add(find_user, [](int id) { return User{"number " + std::to_string(id), 0, std::nullopt}; });
    communica::RouteServer server{executor, connector, table};
    co_await server.start();
    communica::RouteClient client{executor, connector};
    const auto count = co_await client.with(communica::BytesSerializer{}).request<std::string>("checksum", "four");

    const User user = co_await client.request(find_user, 7);
    require(count == "4" && user.name == "number 7", "serializers of routes");
    co_await doubler.start();
    communica::SimpleClient asker{executor, other, communica::CborSerializer{}};
    const int eight = co_await asker.request<int>(4);
    require(eight == 8, "the serializer of an entity");
    co_await asker.close();
    co_await doubler.close();
    co_await client.close();
    co_await server.close();
}

}  // namespace choices

// ---- routes ------------------------------------------------------------------------------------------------------------

struct Operands {
    double left = 0;
    double right = 0;
};
COMMUNICA_MODEL(Operands, left, right)

inline constexpr communica::Route<double(Operands)> divide{"divide"};

asio::awaitable<void> serve_routes(asio::any_io_executor executor) {
    communica::RouteTable routes;
    routes.add(divide, [](Operands operands) {
        if (operands.right == 0) throw communica::RequesterError("division by zero", 400);
        return operands.left / operands.right;
    });
    // Asks back while it answers.
    routes.add("greet", [](std::string greeting, communica::RoutePeer<>& caller) -> asio::awaitable<std::string> {
        co_return greeting + ", " + co_await caller.request<std::string>("name", nullptr);
    });
    communica::RouteServer server{executor, communica::LocalConnector{"calculator"}, routes};
    co_await server.run();
}

asio::awaitable<void> ask_routes(asio::any_io_executor executor) {
    communica::RouteTable routes;
    routes.add("name", [] { return "Ann"; });
    communica::RouteClient client{executor, communica::LocalConnector{"calculator"}, routes};
    co_await client.connect({.timeout = 10s});

    const double half = co_await client.request(divide, {1, 2}, {.timeout = 250ms});
    const auto greeting = co_await client.request<std::string>("greet", "Hello");
    std::cout << half << ' ' << greeting << '\n';  // 0.5 Hello, Ann

    const auto outcome = co_await client.try_request(divide, {1, 0});
    if (!outcome) std::cout << outcome.error().message << '\n';  // division by zero
    require(half == 0.5 && greeting == "Hello, Ann" && outcome.error().status == 400, "routes");
}

namespace several {

inline constexpr communica::Route<void(std::string, std::string)> set_entry{"set_entry", {"key", "value"}};

asio::awaitable<void> colour(communica::RouteClient<communica::MemoryConnector>& client,
                             communica::RouteTable<>& routes) {
    routes.add(set_entry, [](std::string key, std::string value) { std::cout << key << '=' << value << '\n'; });
    co_await client.request(set_entry, "colour", "blue");
}

struct Event {
    std::string name;
};
COMMUNICA_MODEL(Event, name)

asio::awaitable<void> tell(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;  // first, not inside the next line
    communica::SimpleClient client{executor, connector};
    co_await client.connect();
    const Event event{"done"};  // first, not client.notify(Event{"done"})
    co_await client.notify(event);
    co_await client.flush();
}

asio::awaitable<void> try_them(communica::MemoryConnector connector, communica::MemoryConnector other) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteTable routes;
    communica::RouteClient client{executor, connector};
    // The table is filled before the server copies it: the request waits for the server.
    asio::co_spawn(executor, colour(client, routes), asio::detached);
    co_await asio::post(executor, asio::use_awaitable);
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    co_await client.connect();
    co_await client.request(set_entry, "shape", "round");

    std::string told;
    communica::SimpleServer listener{executor, other, [&told](const Event& event) { told = event.name; }};
    co_await listener.start();
    co_await tell(other);
    require(told == "done", "an event");
    co_await client.close();
    co_await server.close();
    co_await listener.close();
}

}  // namespace several

// ---- streams -----------------------------------------------------------------------------------------------------------

namespace streams {

inline constexpr communica::Route<communica::Stream<int>(int)> countdown{"countdown"};

communica::Stream<int> count_down(int from) {  // the handler: a coroutine that yields
    for (int left = from; left != 0; --left)
        co_yield left;
}

asio::awaitable<void> watch(communica::RouteClient<communica::MemoryConnector>& client) {
    auto numbers = co_await client.open(countdown, 10);
    while (const auto left = co_await numbers.next())
        std::cout << *left << '\n';
}

struct Tick {
    double price = 0;
};
COMMUNICA_MODEL(Tick, price)

inline constexpr communica::Route<communica::Stream<communica::Published<Tick>>(std::string)> ticks{"ticks"};

asio::awaitable<void> publish(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::Topic<Tick> topic{{.history = 10}};
    communica::RouteTable routes;
    routes.add(countdown, count_down);
    routes.add(ticks, [&](const std::string&, communica::Context& context) { return topic.follow(context); });
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    topic.publish({1.5});

    communica::RouteClient client{executor, connector};
    auto subscription = client.subscribe(ticks, "ACME");
    const auto tick = co_await subscription.next();
    require(tick->price == 1.5, "a subscription");
    co_await watch(client);
    co_await client.close();
    co_await server.close();
}

}  // namespace streams

// ---- the first program, with routes -----------------------------------------------------------------------------------

namespace with_routes {

using streams::count_down;
using streams::countdown;

inline constexpr communica::Route<double(Operands)> sum{"sum"};

double divide_numbers(Operands operands) {
    if (operands.right == 0) throw communica::RequesterError("division by zero", 400);
    return operands.left / operands.right;
}

asio::awaitable<void> calculate(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteTable routes;
    routes.add(sum, [](Operands operands) { return operands.left + operands.right; });
    routes.add(divide, divide_numbers);
    routes.add(countdown, count_down);
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();

    communica::RouteClient client{executor, connector};
    co_await client.connect({.timeout = 10s});
    const double three = co_await client.request(sum, {1, 2}, {.timeout = 250ms});
    require(three == 3, "a sum");

    const auto quotient = co_await client.try_request(divide, {1, 0});
    if (!quotient) std::cout << quotient.error().message << '\n';  // division by zero
    require(quotient.error().status == 400, "an error");

    auto numbers = co_await client.open(countdown, 3);
    while (const auto left = co_await numbers.next())
        std::cout << *left << "...\n";
    co_await client.close();
    co_await server.close();
}

}  // namespace with_routes

// ---- files -------------------------------------------------------------------------------------------------------------

namespace files {

inline constexpr communica::FileUploadRoute<> upload{"upload"};
inline constexpr communica::FileDownloadRoute<> download{"download"};

asio::awaitable<void> copy_there_and_back(communica::RouteClient<communica::MemoryConnector>& client,
                                          std::filesystem::path path) {
    communica::FileOptions options;
    options.on_progress = [](const communica::FileProgress& progress) {
        std::cout << progress.name << ": " << progress.done << " of " << progress.size << '\n';
    };
    const auto sent = co_await communica::send_file(client, upload, path, options);
    const auto back = path.string() + ".back";
    const auto received = co_await communica::receive_file(client, download, path.filename().string(), back, options);
    require(sent.checksum == received.checksum, "a file");
}

asio::awaitable<void> try_them(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    const auto place = std::filesystem::temp_directory_path() / "documentation_snippets";
    std::filesystem::create_directories(place / "server");
    const auto path = place / "letter.txt";
    std::ofstream{path} << std::string(200'000, 'a');

    communica::FileDirectory directory{place / "server"};
    communica::RouteTable routes;
    routes.add(upload, directory.receiver()).add(download, directory.sender());
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    communica::RouteClient client{executor, connector};
    co_await copy_there_and_back(client, path);
    std::filesystem::remove_all(place);
    co_await client.close();
    co_await server.close();
}

}  // namespace files

// ---- a daemon and its tool -----------------------------------------------------------------------------------------------

namespace service {

inline constexpr communica::Route<std::string()> status{"status"};

// What a tool does: it asks a daemon that runs, and says at once if none does.
asio::awaitable<int> print_status(communica::LocalConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::ClientOptions options;
    options.log = communica::no_log;  // what fails is said below
    communica::RouteClient client{executor, connector, options};
    try {
        co_await client.connect({.timeout = 2s, .attempts = 1});
    } catch (const std::exception& error) {
        std::cerr << "the daemon is not there: " << error.what() << '\n';
        co_return 1;
    }
    const auto answer = co_await client.try_request(status, {.timeout = 5s});
    std::cout << (answer ? *answer : answer.error().text()) << '\n';
    co_return answer ? 0 : 1;
}

asio::awaitable<void> try_it() {
    const auto executor = co_await asio::this_coro::executor;
    const communica::LocalConnector connector{"documentation-daemon"};
    const int without = co_await print_status(connector);
    communica::RouteTable routes;
    routes.add(status, [] { return "well"; });
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    const int with = co_await print_status(connector);
    require(without == 1 && with == 0, "a tool");
    co_await server.close();
}

}  // namespace service

// ---- options -----------------------------------------------------------------------------------------------------------

asio::awaitable<void> set_options(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    const auto counters = std::make_shared<communica::Counters>();
    communica::ServerOptions server_options;
    server_options.counters = counters;
    server_options.log = [](communica::LogLevel, std::string_view text) { std::cerr << text << '\n'; };
    communica::RouteTable routes;
    routes.add("stock", [](const std::string&, communica::Context& context) {
        return context.header("trace-id") == "4711" ? 3 : 0;
    });
    routes.add("report", [](int pages, communica::Context& context) -> asio::awaitable<int> {
        for (int page = 1; page <= pages; ++page) {
            context.progress(page);
            co_await asio::post(context.get_executor(), asio::use_awaitable);
        }
        co_return pages;
    });
    communica::RouteServer server{executor, connector, routes, server_options};
    co_await server.start();

    const communica::ClientOptions options{.client_id = "worker-1", .limits = {.max_message = 1024 * 1024}};
    communica::RouteClient client{executor, connector, options};
    const std::string item = "tea";
    const std::array trace{communica::Header{"trace-id", "4711"}};
    const auto stock =
        co_await client.request<int>("stock", item, {.timeout = 2s, .idempotent = true, .headers = trace});
    require(stock == 3 && counters->received_requests == 1, "options");

    const auto urgent = co_await client.request<int>("stock", item, {.priority = communica::Priority::high});
    require(urgent == 0, "a priority, and no header");

    int printed = 0;
    const communica::OnProgress show{[&](int page) { printed = page; }};
    const auto report = co_await client.request<int>("report", 3, {.on_progress = &show});
    require(report == 3 && printed == 3, "progress");
    co_await client.close();
    co_await server.close();
}

// ---- a test of one's own -----------------------------------------------------------------------------------------------

// Server and client in one process, without a socket. Copies of a MemoryConnector meet.
asio::awaitable<void> test_division() {
    const auto executor = co_await asio::this_coro::executor;
    const communica::MemoryConnector connector;
    communica::RouteTable routes;
    routes.add(divide, [](Operands operands) { return operands.left / operands.right; });
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    communica::RouteClient client{executor, connector};
    const double half = co_await client.request(divide, {1, 2});
    require(half == 0.5, "1 / 2 is 0.5");
    co_await client.close();
    co_await server.close();
}

// ---- contracts ---------------------------------------------------------------------------------------------------------

asio::awaitable<void> compare_at_connect() {
    const auto executor = co_await asio::this_coro::executor;
    const communica::MemoryConnector connector;
    communica::DescribedTable routes;
    routes.add(divide, [](Operands operands) { return operands.left / operands.right; });

    communica::ServerOptions server_options;
    server_options.contract = communica::ContractCheck().serves(routes);
    communica::RouteServer server{executor, connector, routes, server_options};

    communica::ClientOptions client_options;
    client_options.contract = communica::ContractCheck().asks(divide).refuse_differences();
    communica::RouteClient client{executor, connector, client_options};

    co_await server.start();
    const double half = co_await client.request(divide, {1, 2});
    require(half == 0.5, "the contracts are equal");
    co_await client.close();
    co_await server.close();
}

// ---- all of it ---------------------------------------------------------------------------------------------------------

void run(asio::io_context& context, asio::awaitable<void> coroutine) {
    asio::co_spawn(context, std::move(coroutine), [&context](const std::exception_ptr& error) {
        context.stop();
        if (error) std::rethrow_exception(error);
    });
    context.restart();
    context.run();
}

int main() try {
    asio::io_context context;
    asio::co_spawn(context, first::serve(context.get_executor()), asio::detached);
    run(context, first::talk(context.get_executor()));
    run(context, try_models({}));
    run(context, choices::choose({}, {}));
    asio::co_spawn(context, serve_routes(context.get_executor()), asio::detached);
    run(context, ask_routes(context.get_executor()));
    run(context, several::try_them({}, {}));
    run(context, streams::publish({}));
    run(context, with_routes::calculate({}));
    run(context, files::try_them({}));
    run(context, service::try_it());
    run(context, set_options({}));
    run(context, test_division());
    run(context, compare_at_connect());
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
