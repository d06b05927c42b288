// A server with a route for each kind of type, which answers with the value that it got: `types NAME`.

#include "support/changed_models.hpp"

#include <communica/communica.hpp>

#include <communica/schema/described_table.hpp>

#include <asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace {

using test::Circle;
using test::Colour;
using test::Square;

struct Part {
    std::string name;
    std::optional<std::uint8_t> weight = {};
    std::vector<Part> parts = {};
    Colour colour = Colour::red;
};
constexpr auto communica_model(communica::Type<Part>) {
    return communica::model("Part", communica::field("name", &Part::name).doc("As on the label."),
                            communica::field("weight", &Part::weight).omit_null(),
                            communica::field("parts", &Part::parts).optional(),
                            communica::field("colour", &Part::colour))
        .refuse_unknown();
}

struct Port {
    std::uint16_t number = 0;
};

}  // namespace

template <>
struct communica::Converter<Port> {
    static std::uint16_t dump(const Port& port) { return port.number; }
    static Port load(std::uint16_t number) { return {number}; }
};

namespace {

constexpr communica::Route<std::tuple<std::int8_t, std::string>(std::int8_t, std::string)> two_values{
    "two values", {"number", "text"}};

template <class... T>
struct Types {};

template <class... T>
void add_routes(communica::DescribedTable<>& routes, Types<T...> /*of these*/,
                const std::array<const char*, sizeof...(T)>& names) {
    std::size_t index = 0;
    (routes.add(names.at(index++), [](const T& value) { return value; }), ...);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace std::chrono;
    communica::DescribedTable<> routes;
    add_routes(routes,
               Types<bool, std::int8_t, std::uint64_t, float, double, std::string, std::vector<std::byte>,
                     std::array<std::byte, 4>, Colour, std::optional<std::int8_t>, duration<std::int32_t>,
                     system_clock::time_point, std::vector<std::int8_t>, std::array<bool, 2>,
                     std::tuple<std::int8_t, std::string>, std::map<std::string, bool>, std::map<std::int8_t, bool>,
                     std::variant<std::int8_t, std::string>, std::variant<Circle, Square>, Part, Port>(),
               {"bool",       "int8", "uint64",         "float",    "double",         "string", "bytes",
                "four bytes", "enum", "optional",       "duration", "time",           "vector", "array",
                "tuple",      "map",  "map of numbers", "variant",  "tagged variant", "model",  "converter"});
    routes.add(two_values, [](std::int8_t number, std::string text) { return std::tuple(number, text); });

    asio::io_context context;
    communica::RouteServer server(context, communica::LocalConnector(argc > 1 ? argv[1] : "types"), routes);
    server.start([&](const std::exception_ptr& e) {
        if (e) {
            std::rethrow_exception(e);
        }
        std::cout << "listening on " << server.address() << std::endl;
    });
    context.run();
}
