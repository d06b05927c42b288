// The routes shared by stream_server and stream_client.
#pragma once

#include <communica/communica.hpp>

#include <string>

struct Order {
    std::string article;
    int pieces = 0;
    double price = 0;
};
COMMUNICA_MODEL(Order, article, pieces, price)

// A stream from the server, a stream to the server, and one in each direction.
inline constexpr communica::Route<communica::Stream<int>(int)> countdown_route{"countdown"};
inline constexpr communica::Route<double(std::string, communica::Stream<Order>)> orders_route{"orders"};
inline constexpr communica::Route<communica::Stream<std::string>(std::string, communica::Stream<std::string>)>
    chat_route{"chat"};
