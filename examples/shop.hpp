// What stream_server and stream_client agree on.
#pragma once

#include <communica/communica.hpp>

#include <string>

struct Order {
    std::string article;
    int pieces = 0;
    double price = 0;
};
COMMUNICA_MODEL(Order, article, pieces, price)

// Many items for one value; many values for one answer; both ways.
inline constexpr communica::Route<communica::Stream<int>(int)> countdown_route{"countdown"};
inline constexpr communica::Route<double(std::string, communica::Stream<Order>)> orders_route{"orders"};
inline constexpr communica::Route<communica::Stream<std::string>(std::string, communica::Stream<std::string>)>
    chat_route{"chat"};
