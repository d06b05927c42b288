// What two sides send each other of their types, and what they say of the differences.
#include "support/catch.hpp"

#include <communica/communica.hpp>

#include <communica/schema/contract_check.hpp>
#include <communica/wire/handshake.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace contract_check_tests {

using communica::ContractCheck;
using communica::schema::Effort;
using communica::schema::Inclusion;
using communica::schema::TypesExchange;
using nlohmann::json;
using Exchange = std::shared_ptr<const communica::entities::ContractExchange>;

namespace {

constexpr communica::Route<double(double)> half{"half"};
constexpr communica::Route<std::int8_t(std::int8_t)> half_of_int{"half"};

template <class... Routes>
Exchange asking(const Routes&... routes) {
    return ContractCheck().asks(routes...);
}
template <class Route>
Exchange serving(const Route& route) {
    communica::DescribedTable<> table;
    table.add(route, [](auto value) { return value; });
    return ContractCheck().serves(table);
}

/// What a hello holds that has these hashes, or a message that has these types.
json message(std::string_view contract) { return json{{"communica", {{"contract", json::parse(contract)}}}}; }
json hello_of(const Exchange& side) { return message(side->hashes()); }

/// What the sides say of each other: the server first sends its types, then the client.
struct Said {
    communica::entities::ContractDifferences by_client;
    communica::entities::ContractDifferences by_server;
};
Said exchange(const Exchange& client, const Exchange& server) {
    const json hello = hello_of(client);
    const std::string types = server->types_for(hello);
    if (types.empty()) {
        return {};
    }
    const json question = json::parse(types);
    const json answer = json::parse(client->types_for(question));
    return {client->compare(question, question), server->compare(hello, answer)};
}

/// What is said of this route of a server.
std::string said_of(const json& route) {
    const json question = message(json{{"serves", {{"half", route}}}}.dump());
    const auto found = asking(half)->compare(question, question);
    return found.breaking.empty() ? "" : found.breaking.front();
}
json typed(const json& argument) {
    return {{"kind", "request"}, {"serializer", "json"}, {"argument", argument}, {"result", {{"type", "null"}}}};
}

/// Definitions of a type `A` whose description would have no end.
constexpr std::array types_in_themselves{R"({"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]})",
                                         R"({"type": "array", "items": {"$ref": "#/$defs/A"}})",
                                         R"({"type": "object", "additionalProperties": {"$ref": "#/$defs/A"}})"};

/// So many objects, of which each may hold each. The last has a property `n` of this type.
json all_in_all(int count, const json& n) {
    json graph{{"$ref", "#/$defs/0"}};
    for (int one = 0; one != count; ++one) {
        json& object = graph["$defs"][std::to_string(one)];
        object["type"] = "object";
        for (int other = 0; other != count; ++other) {
            object["properties"][std::to_string(other)] = {{"$ref", "#/$defs/" + std::to_string(other)}};
        }
    }
    graph["$defs"][std::to_string(count - 1)]["properties"]["n"] = n;
    return graph;
}

}  // namespace

TEST_CASE("the hash of a route's types is FNV-1a of 64 bits") {
    CHECK(communica::schema::contract_hash("") == "cbf29ce484222325");  // the vectors of its authors
    CHECK(communica::schema::contract_hash("a") == "af63dc4c8601ec8c");
    CHECK(communica::schema::contract_hash("foobar") == "85944171f73967e8");
}

TEST_CASE("a route has one hash on both sides, which is that of its contract") {
    communica::DescribedTable<> table;
    table.add(half, [](double value) { return value / 2; }).doc("Halves.");
    const json contract = json::parse(communica::contract(table));
    const std::string hash = communica::schema::contract_hash(contract.at("routes").at("half").dump());
    CHECK(hash == "4550622c98f46934");  // docs/protocol.md, "Contracts"
    CHECK(json::parse(asking(half)->hashes()) == json{{"asks", {{"half", hash}}}, {"serves", json::object()}});
    CHECK(json::parse(serving(half)->hashes()) == json{{"asks", json::object()}, {"serves", {{"half", hash}}}});
}

TEST_CASE("equal types, and routes of one side alone, are no difference") {
    constexpr communica::Route<int(int)> twice{"twice"};
    CHECK(serving(half)->types_for(hello_of(asking(half))).empty());
    CHECK(serving(half)->types_for(hello_of(asking(twice))).empty());
    CHECK(serving(half)->types_for(hello_of(serving(half_of_int))).empty());  // neither asks
    communica::RouteTable<> untyped;
    untyped.add("half", [](int value) { return value; });
    const Exchange server = ContractCheck().serves(untyped);
    CHECK(server->types_for(hello_of(asking(half))).empty());
}

TEST_CASE("the names of a route's values are no difference at connect") {
    constexpr communica::Route<void(int, int)> unnamed{"put"};
    constexpr communica::Route<void(int, int)> named{"put", {"key", "value"}};
    communica::DescribedTable<> table;
    table.add(named, [](int, int) {});
    const Exchange server = ContractCheck().serves(table);
    CHECK(json::parse(server->hashes()).at("serves") == json::parse(asking(unnamed)->hashes()).at("asks"));
    CHECK(asking(named)->hashes() == asking(unnamed)->hashes());
}

TEST_CASE("both sides say of a difference what the comparison of contracts says: the asking side is the old one") {
    const std::string sentence =
        "half: argument: number -> integer in -128..127: old clients that send 0.5 are refused";
    const Said said = exchange(asking(half), serving(half_of_int));
    CHECK(said.by_client.breaking == std::vector{sentence});
    CHECK(said.by_server.breaking == std::vector{sentence});
    const Said of_server = exchange(serving(half_of_int), asking(half));
    CHECK(of_server.by_client.breaking == std::vector{sentence});
    CHECK(of_server.by_server.breaking == std::vector{sentence});
}

TEST_CASE("a difference that breaks no request is safe") {
    constexpr communica::Route<void(double)> put{"put"};
    constexpr communica::Route<void(std::optional<double>)> put_or_none{"put"};
    communica::DescribedTable<> table;
    table.add(put_or_none, [](std::optional<double>) {});
    const Said said = exchange(asking(put), ContractCheck().serves(table));
    CHECK(said.by_client.breaking.empty());
    CHECK(said.by_client.safe == std::vector<std::string>{"put: the types differ: safe"});
    CHECK(said.by_server.safe == said.by_client.safe);
}

TEST_CASE("messages without hashes have no contract, and those of another form no difference") {
    const Exchange side = asking(half);
    for (const char* text : {"{}", "[]", "7", "null", R"({"communica": 7})", R"({"communica": {"contract": [1]}})",
                             R"({"communica": {"contract": "serves"}})"}) {
        INFO(text);
        CHECK_FALSE(side->is_in(json::parse(text)));
        CHECK(side->types_for(json::parse(text)).empty());
    }
    for (const char* contract : {"{}", R"({"serves": []})", R"({"serves": "half"})", R"({"serves": ["half"]})",
                                 R"({"serves": {"other": "0"}})"}) {
        INFO(contract);
        CHECK(side->is_in(message(contract)));
        CHECK(side->types_for(message(contract)).empty());
    }
}

TEST_CASE("types that are absent or not of the form that the library writes can't be compared") {
    const std::string unknown = "half: the types differ, and are not known";
    CHECK(said_of(nullptr) == unknown);
    for (const json& route : {json("0000"), json::array(), json::object(), json{{"kind", 1}, {"serializer", "json"}},
                              json{{"kind", "request"}, {"serializer", {1}}}, typed(7), typed({{"type", "array"}}),
                              typed({{"type", "integer"}, {"maximum", 1e300}}),
                              typed({{"x-unit", "s"}, {"type", "number"}, {"maximum", -5}}),
                              typed({{"x-unit", "s"}, {"type", "number"}, {"minimum", 1e300}}),
                              typed({{"enum", {1, 2}}, {"type", "string"}}), typed({{"$ref", "#/$defs/A"}}),
                              typed({{"$ref", "A"}}), typed({{"anyOf", json::array()}}), typed({{"type", {"string"}}}),
                              typed({{"properties", {{std::string(257, 'n'), json::object()}}}}),
                              typed({{"$ref", "#/$defs/A"}, {"$defs", {{"A", {{"$ref", "#/$defs/A"}}}}}}),
                              typed({{"type", "array"}, {"minItems", -1}, {"items", json::object()}})}) {
        INFO(route.dump());
        CHECK(said_of(route).starts_with("half: the types differ, and can't be compared: "));
    }
    CHECK(said_of(typed({{"type", "string"}})).starts_with("half: argument: number -> string"));
    CHECK(said_of(typed(communica::schema_of<std::uint64_t>()))
              .starts_with("half: argument: number -> integer in 0..18"));
}

TEST_CASE("hostile types cost a bounded time and depth") {
    // Alternatives of alternatives: 2 to the 40th types in words, and types that contain themselves.
    json defs;
    for (int level = 0; level != 40; ++level) {
        const json next{{"$ref", "#/$defs/" + std::to_string(level + 1)}};
        defs[std::to_string(level)] = {{"anyOf", {next, next}}};
    }
    defs["40"] = {{"type", "null"}};
    CHECK(said_of(typed({{"$ref", "#/$defs/0"}, {"$defs", defs}})).find("can't be compared") != std::string::npos);
    for (const char* inside : types_in_themselves) {
        INFO(inside);
        const json schema{{"$ref", "#/$defs/A"}, {"$defs", {{"A", json::parse(inside)}}}};
        CHECK(said_of(typed(schema)).find("can't be compared") != std::string::npos);
    }
}

TEST_CASE("a long list of names in the place of a tag is not read for each alternative") {
    json read;
    for (int tag = 0; tag != 16; ++tag) {
        read["anyOf"].push_back(
            {{"type", "object"}, {"properties", {{"tag", {{"const", "tag" + std::to_string(tag)}}}}}});
    }
    const auto fastest = [&](int names) {
        json written;
        json& tags = written["$defs"]["Tag"];
        tags["type"] = "string";
        for (int name = 0; name != names; ++name) {
            tags["enum"].push_back("name" + std::to_string(name));
        }
        for (int one = 0; one != 100; ++one) {
            written["anyOf"].push_back(
                {{"type", "object"}, {"properties", {{"tag", {{"$ref", "#/$defs/Tag"}}}, {std::to_string(one), {}}}}});
        }
        auto least = std::chrono::steady_clock::duration::max();
        for (int time = 0; time != 3; ++time) {
            const auto begin = std::chrono::steady_clock::now();
            CHECK(Inclusion::misfits(written, read).size() == 1);
            least = std::min(least, std::chrono::steady_clock::now() - begin);
        }
        return least;
    };
    CHECK(fastest(3000) < 5 * fastest(2));
}

TEST_CASE("types that refer to each other are compared once, wherever they stand") {
    // Objects of which each may hold each: the paths through them are without number.
    const json graph = all_in_all(40, {{"type", "integer"}});
    const json same = graph;
    const json other = all_in_all(40, {{"type", "string"}});
    Effort enough(10'000'000, 64);
    CHECK(Inclusion::misfits(graph, same, false, enough).empty());
    const auto misfits = Inclusion::misfits(graph, other, false, enough);
    REQUIRE(!misfits.empty());
    CHECK(misfits.front().path.ends_with("/39/n"));
    CHECK(misfits.size() < 10 * Inclusion::max_repeated);

    // Two alternatives at each of 40 levels, of which neither fits.
    json written{{"type", "integer"}};
    json read{{"$ref", "#/$defs/0"}};
    for (int level = 0; level != 40; ++level) {
        written = {{"type", "array"}, {"items", written}};
        const json list{{"type", "array"}, {"items", {{"$ref", "#/$defs/" + std::to_string(level + 1)}}}};
        read["$defs"][std::to_string(level)] = {{"anyOf", {list, list}}};
    }
    read["$defs"]["40"] = {{"type", "string"}};
    Effort some(1'000'000, 200);
    CHECK(Inclusion::misfits(written, read, false, some).size() == 1);
}

TEST_CASE("an alternative that was tried in vain leaves nothing behind that later comparisons take for granted") {
    // `inner` fits as long as `outer` fits, inside which it is compared first. `outer` doesn't fit, because of `z`.
    const auto types = [](const char* z) {
        return json::parse(R"({"type": "object", "required": ["first", "second"], "properties": {
            "first": {"type": "array", "items": {"$ref": "#/$defs/outer"}}, "second": {"$ref": "#/$defs/inner"}},
            "$defs": {"outer": {"type": "object", "properties": {"a": {"$ref": "#/$defs/inner"}, "z": {"type": ")" +
                           std::string(z) + R"("}}},
                      "inner": {"type": "object", "properties": {"outer": {"$ref": "#/$defs/outer"}}}}})");
    };
    json read = types("string");
    read["properties"]["first"] = json::parse(R"({"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/outer"}},
                                                            {"type": "array", "items": {}}]})");
    const json written = types("integer");
    const auto misfits = Inclusion::misfits(written, read);
    REQUIRE(misfits.size() == 1);
    CHECK(misfits.front().path == "/second/outer/z");
}

TEST_CASE("a file whose types contain themselves, or cost too much, is refused") {
    const auto contract = [](const json& argument) {
        return json{{"communica_contract", 1}, {"routes", {{"half", typed(argument)}}}};
    };
    const json number = contract({{"type", "number"}});
    for (const char* inside : types_in_themselves) {
        INFO(inside);
        const json schema{{"$ref", "#/$defs/A"}, {"$defs", {{"A", json::parse(inside)}}}};
        CHECK_THROWS_AS(communica::compare_contracts(number, contract(schema)), std::invalid_argument);
    }
    json deep{{"type", "integer"}};
    for (int level = 0; level != 1100; ++level) {
        json object{{"type", "object"}};
        object["properties"]["a"] = std::move(deep);
        deep = std::move(object);
    }
    json other = deep;
    other["x-other"] = true;
    CHECK_THROWS_AS(communica::compare_contracts(contract(deep), contract(other)), std::length_error);
}

TEST_CASE("a comparison ends where its effort or its depth ends") {
    const json graph = all_in_all(12, {{"type", "integer"}});
    const json same = graph;
    Effort few(1'000, 64);
    CHECK_THROWS_AS(Inclusion::misfits(graph, same, false, few), std::length_error);
    json deep{{"type", "integer"}};
    for (int level = 0; level != 70; ++level) {
        deep = {{"type", "array"}, {"items", deep}};
    }
    json as_deep = deep;
    Effort shallow(100'000'000, 64);
    CHECK_THROWS_AS(Inclusion::misfits(deep, as_deep, false, shallow), std::length_error);
    Effort enough(100'000'000, 80);
    CHECK(Inclusion::misfits(deep, as_deep, false, enough).empty());
}

TEST_CASE("a contract of too many routes is refused where it is made, and the largest fits into a hello") {
    TypesExchange::Routes routes;
    json type = typed({{"type", "object"}, {"x-note", std::string(200, '\x01')}});
    for (int number = 0; number != 700; ++number) {
        routes["route " + std::to_string(number)] = type;
    }
    const TypesExchange large({}, routes, false);
    const std::string hashes = large.hashes();
    CHECK(hashes.size() > 20'000);
    json others = json::parse(hashes);
    for (auto& hash : others.at("serves")) {
        hash = "0";
    }
    others["asks"] = others.at("serves");
    const std::string types = large.types_for(message(others.dump()));
    CHECK(communica::wire::frame_hello(types).size() < communica::wire::max_hello);
    CHECK(types.find("null") != std::string::npos);  // those that did not fit
    routes["another" + std::string(4000, '.')] = type;
    CHECK_THROWS_AS(TypesExchange({}, routes, false), std::system_error);
}

TEST_CASE("a peer's words are one line of bounded length, and eight of them") {
    CHECK(communica::schema::one_line("a\nb\x7f\x1b") == "a\\x0ab\\x7f\\x1b");
    CHECK(communica::schema::one_line(std::string(1000, 'x')).size() == 300);
    TypesExchange::Routes routes;
    json question{{"communica", {{"contract", {{"serves", json::object()}}}}}};
    for (int number = 0; number != 20; ++number) {
        const std::string name = "r" + std::to_string(number);
        routes[name] = typed({{"type", "number"}});
        question["communica"]["contract"]["serves"][name] = typed({{"type", "string"}});
    }
    const auto found = TypesExchange(routes, {}, false).compare(question, question);
    CHECK(found.breaking.size() == 9);
    CHECK(found.breaking.back() == "12 more differences");
}

}  // namespace contract_check_tests
