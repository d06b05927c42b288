// Every type as the old one and as the new one of a change: what is said of the change is what a server then does.
#include "support/changed_models.hpp"
#include "support/pair.hpp"

#include <communica/schema/inclusion.hpp>
#include <communica/schema/schema.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace inclusion_tests {

using communica::JsonSerializer;
using communica::schema::Inclusion;
using nlohmann::json;
using test::Circle;
using test::Colour;
using test::MoreColours;
using test::One;
using test::Square;
using test::WithOptional;
using test::WithRequired;

namespace {

struct Wider {
    std::int64_t a = 0;
};
COMMUNICA_MODEL(Wider, a)
struct WithDefault {
    std::int32_t a = 0;
    std::string b = "b";
};
constexpr auto communica_model(communica::Type<WithDefault>) {
    return communica::model("WithDefault", communica::field("a", &WithDefault::a),
                            communica::field("b", &WithDefault::b).optional());
}
struct Nullable {
    std::optional<std::int32_t> a = {};
};
COMMUNICA_MODEL(Nullable, a)
struct Omitting {
    std::optional<std::int32_t> a = {};
};
constexpr auto communica_model(communica::Type<Omitting>) {
    return communica::model("Omitting", communica::field("a", &Omitting::a).omit_null());
}
struct Strict {
    std::int32_t a = 0;
};
constexpr auto communica_model(communica::Type<Strict>) {
    return communica::model("Strict", communica::field("a", &Strict::a)).refuse_unknown();
}
struct Other {
    std::string b = {};
};
COMMUNICA_MODEL(Other, b)
struct List {
    std::int32_t a = 0;
    std::vector<List> next = {};
};
COMMUNICA_MODEL(List, a, next)

/// A type that one side has: what it writes, and how it reads.
struct Side {
    const char* name;
    json schema;
    std::vector<std::string> written;
    void (*read)(communica::Bytes);
};

/// The values are the odd ones: what any other type may refuse is among them.
template <class T>
Side side(const char* name, const std::vector<T>& values) {
    Side made{name, communica::schema_of<T>(), {}, [](communica::Bytes bytes) { JsonSerializer().load<T>(bytes); }};
    for (const T& value : values) {
        communica::Buffer out;
        JsonSerializer().dump(value, out);
        made.written.emplace_back(out.text());
    }
    return made;
}
template <std::integral T>
Side integers(const char* name) {
    std::vector<T> values;
    for (const auto value : {std::numeric_limits<T>::min(), T(1), std::numeric_limits<T>::max()}) {
        values.push_back(value);
    }
    for (const std::int64_t odd : {16'777'217LL, 9'007'199'254'740'993LL}) {
        if (std::in_range<T>(odd)) {
            values.push_back(static_cast<T>(odd));
        }
    }
    return side<T>(name, values);
}

std::vector<Side> all_sides() {
    using namespace std::chrono;
    using Bytes = std::vector<std::byte>;
    using Bytes4 = std::array<std::byte, 4>;
    using Shape = std::variant<Circle, Square>;
    using IntOrText = std::variant<std::int32_t, std::string>;
    using OneOrOther = std::variant<One, Other>;
    std::vector<Side> all;
    all.push_back(side<std::monostate>("null", {{}}));
    all.push_back(side<bool>("bool", {true, false}));
    all.push_back(integers<std::int8_t>("int8"));
    all.push_back(integers<std::uint8_t>("uint8"));
    all.push_back(integers<std::int32_t>("int32"));
    all.push_back(integers<std::int64_t>("int64"));
    all.push_back(integers<std::uint64_t>("uint64"));
    all.push_back(side<float>("float", {0.5F, 3e38F}));
    all.push_back(side<double>("double", {0.5, 1e300}));
    all.push_back(side<std::string>("string", {"", "?", "red?"}));
    all.push_back(side<Colour>("Colour", {Colour::red, Colour::green}));
    all.push_back(side<MoreColours>("MoreColours", {MoreColours::red, MoreColours::pink}));
    all.push_back(side<Bytes>("bytes", {{}, Bytes(3), Bytes(5)}));
    all.push_back(side<Bytes4>("bytes of 4", {{}}));
    all.push_back(side<system_clock::time_point>("time", {system_clock::time_point(seconds(1000000000))}));
    all.push_back(side<seconds>("seconds", {seconds(-1), seconds(16'777'217), seconds(9'007'199'254'740'993),
                                            seconds(9'100'000'000'000'000'000)}));
    all.push_back(
        side<milliseconds>("milliseconds", {milliseconds(500), seconds(16'777'217), seconds(9'007'199'254'740'993)}));
    all.push_back(side<std::optional<std::int32_t>>("optional int32", {1, std::nullopt}));
    all.push_back(side<std::optional<double>>("optional double", {0.5, 1e300, std::nullopt}));
    all.push_back(side<IntOrText>("int32 or string", {1, "?", std::numeric_limits<std::int32_t>::max()}));
    all.push_back(
        side<std::vector<std::int32_t>>("int32s", {{}, {1, std::numeric_limits<std::int32_t>::max()}, {1, 2, 3}}));
    all.push_back(side<std::vector<double>>("doubles", {{}, {0.5, 1e300}}));
    all.push_back(side<std::array<std::int32_t, 2>>("two int32s", {{1, std::numeric_limits<std::int32_t>::max()}}));
    all.push_back(side<std::tuple<std::int32_t, std::string>>("int32 and string", {{1, "?"}}));
    all.push_back(side<std::map<std::string, std::int32_t>>("map", {{}, {{"a", 1}}, {{"b", 1}}, {{"next", 1}}}));
    all.push_back(side<std::map<std::int32_t, std::int32_t>>("map by int32", {{}, {{1, 2}}}));
    all.push_back(
        side<json>("json", {nullptr, true, 0.5, "?", json::array({"?"}), json::object({{"a", "?"}}), json::object()}));
    all.push_back(side<One>("One", {{1}}));
    all.push_back(side<Wider>("Wider", {{std::numeric_limits<std::int64_t>::max()}}));
    all.push_back(side<WithOptional>("WithOptional", {{1, "?"}, {1, std::nullopt}}));
    all.push_back(side<WithRequired>("WithRequired", {{1, "?"}}));
    all.push_back(side<WithDefault>("WithDefault", {{1, "?"}}));
    all.push_back(side<Nullable>("Nullable", {{1}, {}}));
    all.push_back(side<Omitting>("Omitting", {{1}, {}}));
    all.push_back(side<Strict>("Strict", {{1}}));
    all.push_back(side<Circle>("Circle", {{0.5}}));
    all.push_back(side<Square>("Square", {{0.5}}));
    all.push_back(side<Shape>("Shape", {Circle(), Square()}));
    all.push_back(side<OneOrOther>("One or Other", {One(), Other()}));
    all.push_back(side<List>("List", {{1, {{2, {}}}}}));
    return all;
}

}  // namespace

TEST_CASE(
    "a server of a new type refuses what a client of an old one sends where the comparison says so, and nowhere else") {
    const auto sides = all_sides();
    communica::RouteTable<communica::BytesSerializer> routes;
    routes.add("read", [&](std::string_view value, communica::Context& context) {
        try {
            sides.at(std::stoul(context.header("type").value())).read(communica::as_bytes(value));
        } catch (const communica::SerializerError& e) {  // as a handler that takes the type answers
            throw communica::RequesterError(e.what());
        }
    });
    asio::io_context context;
    const communica::MemoryConnector meeting;
    communica::RouteServer server(context, meeting, routes);
    std::size_t safe = 0;
    std::size_t breaking = 0;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::ClientOptions options;
        communica::RouteClient client(context, meeting, communica::RouteTable(communica::BytesSerializer()), options);
        co_await client.connect();
        for (const Side& written : sides) {
            for (std::size_t index = 0; index != sides.size(); ++index) {
                const auto misfits = Inclusion::misfits(written.schema, sides[index].schema);
                const std::string type = std::to_string(index);
                const communica::Header header{"type", type};
                const communica::RequestOptions request{.headers = std::span(&header, 1)};
                std::string refused;
                for (const std::string& value : written.written) {
                    const auto outcome = co_await client.try_request<std::string>("read", value, request);
                    if (!outcome) {
                        CHECK(outcome.error().code == communica::errc::requester_error);
                        refused = value + ": " + outcome.error().message;
                    }
                }
                INFO(written.name << " -> " << sides[index].name << ": refused " << refused << "; said "
                                  << (misfits.empty() ? "nothing"
                                                      : misfits[0].path + " " + misfits[0].written + " -> " +
                                                            misfits[0].read + ": " + misfits[0].sample));
                CHECK(misfits.empty() == refused.empty());
                ++(misfits.empty() ? safe : breaking);
            }
        }
        co_await client.close();
        co_await server.close();
    });
    CHECK(safe >= 60);
    CHECK(breaking >= 60);
}

}  // namespace inclusion_tests
