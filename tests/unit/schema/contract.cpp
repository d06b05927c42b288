#include "support/catch.hpp"

#include <communica/communica.hpp>

#include <communica/schema/compatibility.hpp>
#include <communica/schema/contract.hpp>
#include <communica/schema/described_table.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace contract_tests {

using communica::DescribedTable;
using nlohmann::json;

namespace {

namespace before {
struct Order {
    double price = 0;
    std::int32_t pieces = 0;
    std::string remark;
};
constexpr auto communica_model(communica::Type<Order>) {
    return communica::model("Order", communica::field("price", &Order::price).doc("In euros."),
                            communica::field("pieces", &Order::pieces), communica::field("remark", &Order::remark));
}
}  // namespace before

namespace after {
struct Order {
    std::int64_t price = 0;
    std::int64_t pieces = 0;
    std::optional<std::string> customer;
};
COMMUNICA_MODEL(Order, price, pieces, customer)
}  // namespace after

template <class Order>
DescribedTable<> shop() {
    DescribedTable<> routes;
    routes.add("order", [](const Order&) {}).doc("Orders.");
    routes.add("last", [] { return Order(); });
    return routes;
}

std::vector<std::string> sentences(const std::string& was, const std::string& is) {
    std::vector<std::string> all;
    for (const auto& change : communica::compare_contracts(json::parse(was), json::parse(is))) {
        const char* whom = change.breaks_old_clients ? "old: " : change.breaks_new_clients ? "new: " : "";
        all.push_back(whom + change.sentence);
    }
    return all;
}

}  // namespace

TEST_CASE("the contracts of two tables are the same if their types are, whatever the order and the sentences") {
    DescribedTable<> first;
    first.add("a", [](int number) { return number; }).add("b", [] {});
    DescribedTable<> second;
    second.add("b", [] {}).doc("B.").add("a", [](int number) { return number; });
    CHECK(communica::contract(first) == communica::contract(second));
    DescribedTable<> joined;
    joined.join(first);
    CHECK(communica::contract(joined) == communica::contract(first));
    CHECK(sentences(communica::contract(first), communica::contract(second)).empty());
    CHECK(communica::contract(shop<before::Order>()).find("euros") == std::string::npos);
}

TEST_CASE("a change is told for old clients and for new ones, in sentences with places") {
    const auto told = sentences(communica::contract(shop<before::Order>()), communica::contract(shop<after::Order>()));
    const std::string int32 = "integer in -2147483648..2147483647";
    const std::string int64 = "integer in -9223372036854775808..9223372036854775807";
    const std::vector<std::string> expected{
        "old: last: result /remark: string -> nothing: old clients do not read an object without it",
        "old: last: result /pieces: " + int32 + " -> " + int64 + ": old clients do not read 2147483648",
        "old: last: result /price: number -> " + int64 + ": old clients do not read 9007199254740993",
        "new: last: result /price: number -> " + int64 + ": new clients do not read 0.5 of old servers",
        "last: result /customer: a new optional field: safe",
        "old: order: argument /price: number -> " + int64 + ": old clients that send 0.5 are refused",
        "new: order: argument /remark: string -> nothing: new clients that send an object without it are refused by "
        "old servers",
        "new: order: argument /pieces: " + int32 + " -> " + int64 +
            ": new clients that send 2147483648 are refused by old servers",
        "new: order: argument /price: number -> " + int64 +
            ": new clients that send 9007199254740993 are refused by old servers",
        "order: argument /customer: a new optional field: safe",
    };
    CHECK(told == expected);
}

TEST_CASE("pairs, tuples and several arguments are compared value by value") {
    DescribedTable<> two;
    two.add("set", [](const std::string&, std::int8_t) {});
    DescribedTable<> wider;
    wider.add("set", [](const std::string&, double) {});
    DescribedTable<> three;
    three.add("set", [](const std::string&, std::int8_t, bool) {});
    CHECK(sentences(communica::contract(two), communica::contract(wider)) ==
          std::vector<std::string>{"new: set: argument /1: integer in -128..127 -> number: new clients that send 0.5 "
                                   "are refused by old servers"});
    CHECK(sentences(communica::contract(two), communica::contract(three)) ==
          std::vector<std::string>{
              "old: set: argument: array of 2 -> array of 3: old clients that send an array are refused",
              "new: set: argument: array of 2 -> array of 3: new clients that send an array are refused by old "
              "servers"});
}

TEST_CASE("the names of a route's values are the titles of their types, and a renamed value is no difference") {
    constexpr communica::Route<void(std::string, before::Order)> unnamed{"set"};
    constexpr communica::Route<void(std::string, before::Order)> named{"set", {"key", "value"}};
    constexpr communica::Route<void(std::string, before::Order)> renamed{"set", {"name", "order"}};
    constexpr communica::Route<communica::Stream<int>(int, bool)> stream{"stream", {"from", "backwards"}};
    const auto set = [](const std::string&, const before::Order&) {};
    const std::string without = communica::contract(DescribedTable<>().add(unnamed, set));
    const std::string with = communica::contract(DescribedTable<>().add(named, set).doc("Sets."));
    CHECK(without.find("title") == std::string::npos);
    const json values = json::parse(with).at("routes").at("set").at("argument").at("prefixItems");
    CHECK(values ==
          json::parse(R"([{"type": "string", "title": "key"}, {"$ref": "#/$defs/Order", "title": "value"}])"));
    CHECK(sentences(without, with).empty());
    CHECK(sentences(with, communica::contract(DescribedTable<>().add(renamed, set))).empty());

    DescribedTable<> streams;
    streams.add(stream, [](int from, bool) -> communica::Stream<int> { co_yield from; });
    const json opened = json::parse(communica::contract(streams)).at("routes").at("stream").at("argument");
    CHECK(opened.at("prefixItems").at(1) == json::parse(R"({"type": "boolean", "title": "backwards"})"));
}

TEST_CASE("a narrower result is safe for old clients and a wider one is not, an argument the other way round") {
    const std::string wide = "integer in -2147483648..2147483647";
    const std::string narrow = "integer in -128..127";
    DescribedTable<> small;
    small.add("take", [](std::int8_t) {}).add("give", []() -> std::int8_t { return 1; });
    DescribedTable<> large;
    large.add("take", [](std::int32_t) {}).add("give", []() -> std::int32_t { return 1; });
    const std::string before = communica::contract(small);
    const std::string after = communica::contract(large);
    CHECK(sentences(before, after) ==
          std::vector<std::string>{"old: give: result: " + narrow + " -> " + wide + ": old clients do not read 128",
                                   "new: take: argument: " + narrow + " -> " + wide +
                                       ": new clients that send 128 are refused by old servers"});
    CHECK(sentences(after, before) ==
          std::vector<std::string>{
              "new: give: result: " + wide + " -> " + narrow + ": new clients do not read 128 of old servers",
              "old: take: argument: " + wide + " -> " + narrow + ": old clients that send 128 are refused"});
}

TEST_CASE("an argument or a result that is wider or narrower by null breaks one side alone") {
    DescribedTable<> required;
    required.add("take", [](int) {}).add("give", [] { return 1; });
    DescribedTable<> optional;
    optional.add("take", [](std::optional<int>) {}).add("give", [] { return std::optional(1); });
    const auto changes = communica::compare_contracts(json::parse(communica::contract(required)),
                                                      json::parse(communica::contract(optional)));
    REQUIRE(changes.size() == 2);
    CHECK((changes[0].breaks_old_clients && !changes[0].breaks_new_clients));  // give
    CHECK((!changes[1].breaks_old_clients && changes[1].breaks_new_clients));  // take
}

TEST_CASE("a route that has become a stream, or speaks another format, breaks both") {
    DescribedTable<> was;
    was.add("a", [](int number) { return number; }).add("b", [](int number) { return number; }).add("c", [] {});
    DescribedTable<> is;
    is.add("a", [](int) -> communica::Stream<int> { co_return; });
    is.add("b", [](int number) { return number; }, communica::CborSerializer());
    is.add("d", [] {});
    const auto changes =
        communica::compare_contracts(json::parse(communica::contract(was)), json::parse(communica::contract(is)));
    REQUIRE(changes.size() == 4);
    CHECK((changes[0].breaks_old_clients && changes[0].breaks_new_clients));
    CHECK((changes[1].breaks_old_clients && changes[1].breaks_new_clients));
    CHECK((changes[2].breaks_old_clients && !changes[2].breaks_new_clients));  // c is gone
    CHECK((!changes[3].breaks_old_clients && changes[3].breaks_new_clients));  // d is new
}

TEST_CASE("bytes are texts in JSON, and none in the other formats") {
    DescribedTable<> was;
    DescribedTable<> is;
    was.add("json", [](const std::vector<std::byte>&) {});
    is.add("json", [](const std::string&) {});
    was.add("packed", [](const std::vector<std::byte>&) {}, communica::MsgpackSerializer());
    is.add("packed", [](const std::string&) {}, communica::MsgpackSerializer());
    CHECK(sentences(communica::contract(was), communica::contract(is)) ==
          std::vector<std::string>{
              "new: json: argument: bytes -> string: new clients that send \"?\" are refused by old servers",
              "old: packed: argument: bytes -> string: old clients that send bytes are refused",
              "new: packed: argument: bytes -> string: new clients that send a text are refused by old servers"});
}

TEST_CASE("what is no contract is refused") {
    const json contract = json::parse(communica::contract(DescribedTable<>()));
    for (const char* none :
         {"null", "[]", "{}", R"({"communica_contract": 2, "routes": {}})", R"({"communica_contract": 1})"}) {
        CAPTURE(none);
        CHECK_THROWS_AS(communica::compare_contracts(contract, json::parse(none)), std::invalid_argument);
    }
}

}  // namespace contract_tests
