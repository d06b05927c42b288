// The serializers, as a program that other formats' libraries are tried against (run.py).
//
// Reads lines of JSON, {"format": FORMAT, "type": TYPE, "bytes": HEX}. For each it writes {"value": NOTATION}, what the type
// holds, with its bytes in each format, or {"error": TEXT}. notation.py says what the notation is.
#include "notation.hpp"

#include "support/serialized.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/msgpack.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace formats {

enum class Colour { red, green };
COMMUNICA_ENUM(Colour, red, green)

struct Address {
    std::string city;
    std::optional<std::int32_t> floor;
};
COMMUNICA_MODEL(Address, city, floor)

struct Person {
    std::int64_t id = 0;
    std::string name;
    double height = 0;
    bool active = false;
    Colour colour = Colour::red;
    Address home;
    std::vector<Address> others;
    std::map<std::string, std::int32_t> points;
};
COMMUNICA_MODEL(Person, id, name, height, active, colour, home, others, points)

struct Circle {
    double radius = 0;
};
COMMUNICA_MODEL(Circle, radius)

struct Box {
    double width = 0;
    double height = 0;
};
COMMUNICA_MODEL(Box, width, height)

// ---- what a type holds, without the serializers under test -----------------------------------------------------------

/// Overload resolution finds among a struct's static members what is declared behind their use.
struct Notation {
    static Json of(bool value) { return value; }
    static Json of(const std::string& value) { return value; }
    static Json of(const Json& value) { return tree_notation(value); }
    static Json of(Colour value) { return value == Colour::red ? "red" : "green"; }
    static Json of(const std::vector<std::byte>& value) { return bytes_notation(value.data(), value.size()); }
    template <std::integral T>
    static Json of(T value) {
        return integer_notation(value);
    }
    template <std::floating_point T>
    static Json of(T value) {
        return floating_notation(static_cast<double>(value));
    }

    /// Times and durations by their ticks.
    template <class Rep, class Period>
    static Json of(std::chrono::duration<Rep, Period> value) {
        return of(value.count());
    }
    template <class Duration>
    static Json of(std::chrono::sys_time<Duration> value) {
        return of(value.time_since_epoch());
    }

    template <class T>
    static Json of(const std::optional<T>& value) {
        return value ? of(*value) : Json();
    }
    /// By the number of its alternative, too.
    template <class... T>
    static Json of(const std::variant<T...>& value) {
        return Json::array({of(value.index()), std::visit([](const auto& held) { return of(held); }, value)});
    }
    template <class... T>
    static Json of(const std::tuple<T...>& value) {
        return std::apply([](const auto&... part) { return Json::array({of(part)...}); }, value);
    }
    template <class T>
    static Json of(const std::vector<T>& value) {
        return array_notation(value, [](const T& element) { return of(element); });
    }
    template <class T>
    static Json of(const std::set<T>& value) {
        return array_notation(value, [](const T& element) { return of(element); });
    }
    template <class K, class V>
    static Json of(const std::map<K, V>& value) {
        Pairs pairs;
        for (const auto& [key, mapped] : value) {
            pairs.emplace_back(of(key), of(mapped));
        }
        return map_notation(pairs);
    }

    static Json of(const Address& value) {
        return map_notation({{"city", of(value.city)}, {"floor", of(value.floor)}});
    }
    static Json of(const Person& value) {
        return map_notation({{"id", of(value.id)},
                             {"name", of(value.name)},
                             {"height", of(value.height)},
                             {"active", of(value.active)},
                             {"colour", of(value.colour)},
                             {"home", of(value.home)},
                             {"others", of(value.others)},
                             {"points", of(value.points)}});
    }
    static Json of(const Circle& value) { return map_notation({{"radius", of(value.radius)}}); }
    static Json of(const Box& value) {
        return map_notation({{"width", of(value.width)}, {"height", of(value.height)}});
    }
};

// ---- types by their names -------------------------------------------------------------------------------------------

template <class S, class T>
Json dump(const T& value) {
    try {
        return {{"hex", test::to_hex(test::dump<S>(value))}};
    } catch (const communica::SerializerError& error) {
        return {{"error", error.what()}};
    }
}

template <class T>
T load(std::string_view format, std::string_view bytes) {
    if (format == "json") {
        return test::load<communica::JsonSerializer, T>(bytes);
    }
    return format == "cbor" ? test::load<communica::CborSerializer, T>(bytes)
                            : test::load<communica::MsgpackSerializer, T>(bytes);
}

template <class T>
Json answer(std::string_view format, std::string_view bytes) {
    try {
        const auto value = load<T>(format, bytes);
        return {{"value", Notation::of(value)},
                {"json", dump<communica::JsonSerializer>(value)},
                {"msgpack", dump<communica::MsgpackSerializer>(value)},
                {"cbor", dump<communica::CborSerializer>(value)}};
    } catch (const communica::SerializerError& error) {
        return {{"error", error.what()}};
    }
}

using Answer = Json (*)(std::string_view format, std::string_view bytes);

const std::map<std::string, Answer>& answers() {
    static const std::map<std::string, Answer> table{
        {"bool", answer<bool>},
        {"int8", answer<std::int8_t>},
        {"uint8", answer<std::uint8_t>},
        {"int16", answer<std::int16_t>},
        {"uint16", answer<std::uint16_t>},
        {"int32", answer<std::int32_t>},
        {"uint32", answer<std::uint32_t>},
        {"int64", answer<std::int64_t>},
        {"uint64", answer<std::uint64_t>},
        {"float", answer<float>},
        {"double", answer<double>},
        {"string", answer<std::string>},
        {"bytes", answer<std::vector<std::byte>>},
        {"vector<uint8>", answer<std::vector<std::uint8_t>>},
        {"vector<int32>", answer<std::vector<std::int32_t>>},
        {"vector<float>", answer<std::vector<float>>},
        {"vector<double>", answer<std::vector<double>>},
        {"vector<vector<int32>>", answer<std::vector<std::vector<std::int32_t>>>},
        {"vector<optional<int32>>", answer<std::vector<std::optional<std::int32_t>>>},
        {"set<int32>", answer<std::set<std::int32_t>>},
        {"map<string, int32>", answer<std::map<std::string, std::int32_t>>},
        {"map<int32, string>", answer<std::map<std::int32_t, std::string>>},
        {"optional<int64>", answer<std::optional<std::int64_t>>},
        {"optional<string>", answer<std::optional<std::string>>},
        {"tuple<int32, string, bool>", answer<std::tuple<std::int32_t, std::string, bool>>},
        {"variant<int64, string>", answer<std::variant<std::int64_t, std::string>>},
        {"variant<Circle, Box>", answer<std::variant<Circle, Box>>},
        {"Colour", answer<Colour>},
        {"Address", answer<Address>},
        {"Person", answer<Person>},
        {"time", answer<std::chrono::system_clock::time_point>},
        {"seconds", answer<std::chrono::seconds>},
        {"milliseconds", answer<std::chrono::milliseconds>},
        {"json", answer<Json>},
    };
    return table;
}

Json answer_line(const Json& line) {
    const auto text = [&](const char* name) { return line.at(name).get<std::string>(); };
    return answers().at(text("type"))(text("format"), test::from_hex(text("bytes")));
}

}  // namespace formats

int main() { formats::answer_lines(formats::answer_line); }
