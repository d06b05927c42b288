// What the programs of this directory use.
#pragma once

#include <communica/communica.hpp>

#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

struct Operands {
    int a = 0;
    int b = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Operands, a, b)

/// No `to_json`, no `from_json`.
struct NoJson {
    int value = 0;
};

/// Loads, but is not default constructible.
struct NoDefault {
    explicit NoDefault(int v) : value(v) {}
    int value;
};
/// Loads, and can only be moved.
struct MoveOnly {
    std::unique_ptr<int> value;
};
namespace nlohmann {
template <>
struct adl_serializer<NoDefault> {
    static NoDefault from_json(const json& j) { return NoDefault(j.get<int>()); }
};
template <>
struct adl_serializer<MoveOnly> {
    static MoveOnly from_json(const json& j) { return {std::make_unique<int>(j.get<int>())}; }
};
}  // namespace nlohmann

struct Overloaded {
    int operator()(int value) const { return value; }
    int operator()(const std::string& text) const { return static_cast<int>(text.size()); }
};

struct Object {
    int scaled(Operands o) const { return 3 * (o.a + o.b); }
};

/// A serializer of the user's own.
struct OtherSerializer : communica::JsonSerializer {};

inline constexpr communica::Route<int(Operands)> sum{"sum"};
inline constexpr communica::Route<int()> ping{"ping"};
inline constexpr communica::Route<bool(std::string, int)> repeat{"repeat"};
inline constexpr communica::Route<int(int, std::string, Operands), OtherSerializer> many{"many"};
inline constexpr communica::Route<int(Operands), OtherSerializer> other_sum{"other_sum"};

using Simple = communica::SimpleClient<communica::TcpConnector>;
using Routes = communica::RouteClient<communica::LocalConnector>;
using Table = communica::RouteTable<>;
