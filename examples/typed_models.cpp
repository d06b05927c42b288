// Described structs, and the errors of a requester whose value does not fit.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace shop {

enum class Colour { red, green };
COMMUNICA_ENUM(Colour, red, green)

struct Card {
    std::string number;
};
COMMUNICA_MODEL(Card, number)

struct Invoice {
    std::string address;
    std::chrono::seconds due{};
};
COMMUNICA_MODEL(Invoice, address, due)

/// Serialised as a string: see the converter.
struct Sku {
    std::string code;
};

struct Order {
    Sku sku;
    std::uint8_t count = 1;
    std::optional<Colour> colour;
    std::variant<Card, Invoice> payment;
    std::vector<std::byte> signature;
    std::chrono::sys_seconds placed;
};
// A model with renamed and optional fields, which refuses unknown ones.
constexpr auto communica_model(communica::Type<Order>) {
    return communica::model(
               "Order", communica::field("sku", &Order::sku), communica::field("count", &Order::count).optional(),
               communica::field("colour", &Order::colour).omit_null(), communica::field("payment", &Order::payment),
               communica::field("signature", &Order::signature), communica::field("placed-at", &Order::placed))
        .refuse_unknown();
}

}  // namespace shop

template <>
struct communica::Converter<shop::Sku> {
    static std::string dump(const shop::Sku& sku) { return "sku-" + sku.code; }
    static shop::Sku load(const std::string& text) {
        if (!text.starts_with("sku-")) throw std::invalid_argument("expected a text that begins with sku-");
        return {text.substr(4)};
    }
};

// An untyped value, as another program may send it, with an invalid value at one place.
nlohmann::json order_with(const char* place, const nlohmann::json& value) {
    auto order = nlohmann::json::parse(R"({"sku": "sku-7", "count": 2, "colour": "green", "payment": {"number": "1234"},
                                           "signature": "AQID", "placed-at": "2024-05-06T07:08:09Z"})");
    order[nlohmann::json::json_pointer(place)] = value;
    return order;
}

template <class S>
asio::awaitable<void> order_in(communica::MemoryConnector connector, const char* format) {
    const auto executor = co_await asio::this_coro::executor;
    communica::SimpleServer server{executor, connector,
                                   [](const shop::Order& order) { return order.count * order.signature.size(); }, S{}};
    co_await server.start();
    communica::SimpleClient client{executor, connector, S{}};
    co_await client.connect();
    shop::Order order;
    order.payment = shop::Invoice{"1 Long Street", std::chrono::hours(24)};
    order.signature.resize(3);
    const int answer = co_await client.template request<int>(order);
    std::cout << format << ": " << answer << '\n';
    co_await client.close();
    co_await server.close();
}

asio::awaitable<void> refuse(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::SimpleServer server{executor, connector, [](const shop::Order& order) { return order.count; }};
    co_await server.start();
    communica::SimpleClient client{executor, connector};
    co_await client.connect();
    const std::pair<const char*, nlohmann::json> wrong[] = {
        {"/count", "x"},
        {"/count", 300},
        {"/colour", "blue"},
        {"/sku", "7"},
        {"/payment", {{"iban", "x"}}},
        {"/payment/number", nullptr},
        {"/signature", "?"},
        {"/placed-at", "yesterday"},
        {"/coupon", 10},
    };
    for (const auto& [place, value] : wrong) {
        const auto order = order_with(place, value);
        const auto outcome = co_await client.try_request<int>(order);
        std::cout << outcome.error().message << '\n';
    }
    // A response that does not fit is an error of this side, with a message of the same form.
    const auto outcome = co_await client.try_request<std::string>(order_with("/count", 5));
    std::cout << "the answer: " << outcome.error().message << '\n';
    co_await client.close();
    co_await server.close();
}

asio::awaitable<void> talk() {
    co_await order_in<communica::JsonSerializer>(communica::MemoryConnector{}, "JSON");
    co_await order_in<communica::MsgpackSerializer>(communica::MemoryConnector{}, "MessagePack");
    co_await order_in<communica::CborSerializer>(communica::MemoryConnector{}, "CBOR");
    co_await refuse(communica::MemoryConnector{});
}

int main() try {
    asio::io_context context;
    asio::co_spawn(context, talk(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
