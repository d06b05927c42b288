// Two versions of a program: each pair of types below is a change, of which `old` has the first type and `new` the second.
//
//     versions old|new serve NAME      a local server
//     versions old|new ask NAME        sends all values of its types and asks for all of the server's; prints what is refused
//     versions old|new compare NAME    connects, and compares contracts; prints the differences

#include "support/changed_models.hpp"

#include <communica/communica.hpp>

#include <communica/schema/contract_check.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using test::Colour;
using test::MoreColours;
using test::One;
using test::WithOptional;
using test::WithRequired;

constexpr auto most = std::numeric_limits<std::int32_t>::max();

/// What any other type may refuse is among the values.
template <class T>
std::array<T, 3> values();
template <>
std::array<std::int8_t, 3> values() {
    return {-128, 1, 127};
}
template <>
std::array<std::int32_t, 3> values() {
    return {-most, 1, most};
}
template <>
std::array<double, 3> values() {
    return {0.5, 1, 1e300};
}
template <>
std::array<std::string, 3> values() {
    return {"", "?", "red"};
}
template <>
std::array<Colour, 3> values() {
    return {Colour::red, Colour::green, Colour::red};
}
template <>
std::array<MoreColours, 3> values() {
    return {MoreColours::red, MoreColours::green, MoreColours::pink};
}
template <>
std::array<std::optional<std::int32_t>, 3> values() {
    return {1, most, std::nullopt};
}
template <>
std::array<std::vector<std::int32_t>, 3> values() {
    return {{{}, {1}, {most, 2}}};
}
template <>
std::array<std::variant<std::int32_t, std::string>, 3> values() {
    return {1, most, "?"};
}
template <>
std::array<One, 3> values() {
    return {{{1}, {-most}, {most}}};
}
template <>
std::array<WithOptional, 3> values() {
    return {{{1, "?"}, {1, std::nullopt}, {most, ""}}};
}
template <>
std::array<WithRequired, 3> values() {
    return {{{1, "?"}, {2, ""}, {most, "red"}}};
}

using Table = communica::DescribedTable<>;
using Client = communica::RouteClient<communica::LocalConnector>;

template <class T>
void add_routes(Table& table, const std::string& change) {
    table.add("put " + change, [](const T&) { return true; });
    table.add("get " + change, [](std::size_t index) { return values<T>().at(index); });
}

/// Whether the other version refuses one of this version's values, or this version one of the other's.
template <class T>
asio::awaitable<void> ask(Client& client, std::string change) {
    bool is_put_refused = false;
    bool is_get_refused = false;
    for (std::size_t index = 0; index != 3; ++index) {
        const T value = values<T>().at(index);
        const auto put = co_await client.try_request<bool>("put " + change, value);
        is_put_refused = is_put_refused || !put.has_value();
        const auto got = co_await client.try_request<T>("get " + change, index);
        is_get_refused = is_get_refused || !got.has_value();
        for (const auto& error :
             {put.has_value() ? communica::Error() : put.error(), got.has_value() ? communica::Error() : got.error()}) {
            if (error.code && error.code != communica::errc::requester_error &&
                error.code != communica::errc::serializer_error) {
                throw std::runtime_error(change + ": " + error.text());
            }
        }
    }
    std::cout << nlohmann::json{{"change", change}, {"put", is_put_refused}, {"get", is_get_refused}} << '\n';
}

struct Type {
    const char* name;
    void (*add)(Table&, const std::string& change);
    asio::awaitable<void> (*ask)(Client&, std::string change);
};
template <class T>
Type type(const char* name) {
    return {name, &add_routes<T>, &ask<T>};
}

const std::array types{type<std::int8_t>("int8"),
                       type<std::int32_t>("int32"),
                       type<double>("double"),
                       type<std::string>("string"),
                       type<Colour>("Colour"),
                       type<MoreColours>("MoreColours"),
                       type<std::optional<std::int32_t>>("optional"),
                       type<std::vector<std::int32_t>>("vector"),
                       type<std::variant<std::int32_t, std::string>>("variant"),
                       type<One>("One"),
                       type<WithOptional>("WithOptional"),
                       type<WithRequired>("WithRequired")};

/// Calls `function` with the type of this version and the name of each change.
template <class F>
void for_each_change(bool is_old, F function) {
    for (const Type& before : types) {
        for (const Type& after : types) {
            if (&before != &after) {
                function(is_old ? before : after, std::string(before.name) + " to " + after.name);
            }
        }
    }
}

// The name of the route is that of the key which ends a handshake.
constexpr communica::Route<double(double)> old_hello{"hello"};
constexpr communica::Route<std::int8_t(std::int8_t)> new_hello{"hello"};

void serve(bool is_old, const std::string& name) {
    asio::io_context context;
    Table table;
    for_each_change(is_old, [&](const Type& type, const std::string& change) { type.add(table, change); });
    Table compared;
    if (is_old) {
        compared.add(old_hello, [](double value) { return value; });
    } else {
        compared.add(new_hello, [](std::int8_t value) { return value; });
    }
    communica::ServerOptions options;
    options.contract = communica::ContractCheck().serves(compared);
    communica::RouteServer server(context, communica::LocalConnector(name), table, options);
    server.start([&](const std::exception_ptr& e) {
        if (e) {
            std::rethrow_exception(e);
        }
        std::cout << "listening on " << server.address() << std::endl;
    });
    context.run();
}

asio::awaitable<void> ask_all(Client& client, bool is_old) {
    std::vector<asio::awaitable<void>> all;
    for_each_change(is_old,
                    [&](const Type& type, const std::string& change) { all.push_back(type.ask(client, change)); });
    for (auto& one : all) {
        co_await std::move(one);
    }
    co_await client.close();
}

asio::awaitable<void> compare(Client& client) {
    co_await client.connect();
    co_await client.close();
}

void ask(bool is_old, const std::string& name, bool compares) {
    asio::io_context context;
    communica::ClientOptions options;
    options.log = [](communica::LogLevel level, std::string_view line) {
        if (level == communica::LogLevel::warning) {
            std::cout << line << '\n';
        }
    };
    if (compares && is_old) {
        options.contract = communica::ContractCheck().asks(old_hello);
    } else if (compares) {
        options.contract = communica::ContractCheck().asks(new_hello);
    }
    Client client(context, communica::LocalConnector(name), options);
    asio::co_spawn(context, compares ? compare(client) : ask_all(client, is_old), [&](const std::exception_ptr& e) {
        if (e) {
            std::rethrow_exception(e);
        }
    });
    context.run();
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const bool is_old = arguments.at(0) == "old";
    try {
        if (arguments.at(1) == "serve") {
            serve(is_old, arguments.at(2));
        } else {
            ask(is_old, arguments.at(2), arguments.at(1) == "compare");
        }
        return 0;
    } catch (const std::exception& e) {
        std::cerr << e.what() << std::endl;
        return 1;
    }
}
