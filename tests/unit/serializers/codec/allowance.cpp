// What values take when they are loaded, as it is charged and as it is allocated.
#include "support/catch.hpp"
#include "support/memory.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/msgpack.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace allowance_tests {

namespace {

using communica::CborSerializer;
using communica::JsonSerializer;
using communica::MsgpackSerializer;
using communica::codec::Allowance;
using nlohmann::json;

/// Counts what containers of one test have allocated.
std::size_t allocated = 0;

template <class T>
struct Counting {
    using value_type = T;

    Counting() = default;
    template <class U>
    Counting(const Counting<U>&) noexcept {}

    T* allocate(std::size_t count) {
        allocated += count * sizeof(T);
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        allocated -= count * sizeof(T);
        std::allocator<T>().deallocate(memory, count);
    }
    bool operator==(const Counting&) const = default;
};

template <class S, class T>
communica::Buffer dumped(const S& serializer, const T& value) {
    communica::Buffer bytes;
    serializer.dump(value, bytes);
    return bytes;
}

/// What is charged for this value is no less than what is allocated for it, and not much more.
template <class T, class S, class Source>
void check_charge(const S& serializer, const Source& source) {
    const communica::Buffer bytes = dumped(serializer, source);
    allocated = 0;
    const Allowance allowance(1'000'000'000);
    const T value = serializer.template load<T>(bytes.bytes());
    CHECK(value.size() == source.size());
    CAPTURE(allowance.used(), allocated);
    CHECK(allowance.used() >= allocated);
    CHECK(allowance.used() <= 3 * allocated + 1000);
}

template <class T, class S>
std::string refusal(const S& serializer, const communica::Buffer& bytes, std::size_t allowed) {
    const Allowance allowance(allowed);
    try {
        serializer.template load<T>(bytes.bytes());
    } catch (const communica::SerializerError& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEMPLATE_TEST_CASE("what containers allocate is charged", "", JsonSerializer, MsgpackSerializer, CborSerializer) {
    const TestType serializer;
    const std::vector<int> numbers(10'000, 1);
    check_charge<std::vector<int, Counting<int>>>(serializer, numbers);
    check_charge<std::list<int, Counting<int>>>(serializer, numbers);
    check_charge<std::deque<int, Counting<int>>>(serializer, numbers);
    check_charge<std::vector<std::vector<int, Counting<int>>, Counting<std::vector<int, Counting<int>>>>>(
        serializer, std::vector<std::vector<int>>(1000, {1}));
    check_charge<std::vector<std::deque<int, Counting<int>>, Counting<std::deque<int, Counting<int>>>>>(
        serializer, std::vector<std::vector<int>>(1000));

    std::map<std::string, int> by_name;
    std::set<int> set;
    for (int number = 0; number != 1000; ++number) {
        by_name.emplace(std::to_string(number), number);
        set.insert(number);
    }
    using Entry = std::pair<const std::string, int>;
    check_charge<std::map<std::string, int, std::less<>, Counting<Entry>>>(serializer, by_name);
    check_charge<std::set<int, std::less<>, Counting<int>>>(serializer, set);
}

TEMPLATE_TEST_CASE("a value that takes more than is allowed is refused where it stands", "", JsonSerializer,
                   MsgpackSerializer, CborSerializer) {
    const TestType serializer;
    const std::string words = "more memory than one message may take here";

    const auto numbers =
        dumped(serializer, std::map<std::string, std::vector<int>>{{"n", std::vector<int>(10'000, 1)}});
    using Numbers = std::map<std::string, std::vector<int>>;
    CHECK(refusal<Numbers>(serializer, numbers, 200'000).empty());
    CHECK(refusal<Numbers>(serializer, numbers, 20'000).starts_with("/n/"));
    CHECK(refusal<Numbers>(serializer, numbers, 20'000).ends_with(": " + words));

    const auto text = dumped(serializer, std::string(10'000, 'x'));
    CHECK(refusal<std::string>(serializer, text, 11'000).empty());
    CHECK(refusal<std::string>(serializer, text, 9000) == words);
    const auto bytes = dumped(serializer, std::vector<std::byte>(10'000));
    CHECK(refusal<std::vector<std::byte>>(serializer, bytes, 11'000).empty());
    CHECK(refusal<std::vector<std::byte>>(serializer, bytes, 9000) == words);

    for (const json& tree :
         {json(std::vector<json>(1000, json::array())), json(std::vector<json>(1000, json::object())),
          json(std::vector<json>(1000, "")), json{{std::string(50'000, 'k'), 1}}}) {
        CHECK(refusal<json>(serializer, dumped(serializer, tree), 200'000).empty());
        CHECK(refusal<json>(serializer, dumped(serializer, tree), 40'000).ends_with(words));
    }
    CHECK(refusal<int>(serializer, dumped(serializer, 7), 0).empty());
}

TEST_CASE("an alternative that was tried in vain costs nothing") {
    const auto text = dumped(JsonSerializer(), std::string(100, '!'));  // no base64
    const auto used = [&]<class T>(std::type_identity<T>) {
        const Allowance allowance(1'000'000);
        JsonSerializer().load<T>(text.bytes());
        return allowance.used();
    };
    using Either = std::variant<std::vector<std::byte>, std::string>;
    CHECK(used(std::type_identity<Either>()) == used(std::type_identity<std::string>()));
}

TEST_CASE("without an allowance there is no limit, and one inside another takes its place") {
    CHECK(Allowance::take(Allowance::unlimited / 2));
    const Allowance outer(100);
    CHECK(Allowance::take(60));
    {
        const Allowance inner(1000);
        CHECK(Allowance::take(500));
        CHECK_FALSE(Allowance::take(501));
        CHECK(inner.used() == 500);
    }
    CHECK(outer.used() == 60);
    CHECK_FALSE(Allowance::take(41));
    CHECK(Allowance::take(40));
}

TEST_CASE("a tree takes no more of the system than is charged, and no more at its end") {
    if (test::sanitized) {
        SUCCEED("skipped: a sanitizer's allocator takes more");
        return;
    }
    const auto repeated = [](std::string_view element) {
        std::string text = "[";
        for (int number = 0; number != 500'000; ++number) {
            text.append(number == 0 ? "" : ",").append(element);
        }
        return text + "]";
    };
    for (const std::string_view element :
         {"1", "[]", "{}", "\"\"", "[[1]]", R"({"a":1})", R"("a text of 24 characters!")"}) {
        CAPTURE(element);
        const std::string text = repeated(element);
        const std::size_t before = test::resident_bytes(test::own_process_id());
        std::size_t used = 0;
        {
            const Allowance allowance(1'000'000'000);
            json tree = JsonSerializer().load<json>(communica::as_bytes(text));
            used = allowance.used();
            const std::size_t taken = test::growth_since(before);
            CHECK(taken <= used + used / 3 + 16 * test::mebibyte);
            communica::codec::take_apart(tree);
            CHECK(tree.empty());
            CHECK(test::growth_since(before) <= taken + test::mebibyte);
        }
        CHECK_FALSE(refusal<json>(
                        JsonSerializer(),
                        [&] {
                            communica::Buffer bytes;
                            bytes.append(text);
                            return bytes;
                        }(),
                        used / 2)
                        .empty());
    }
}

}  // namespace allowance_tests
