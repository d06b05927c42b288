// The value of the cases with a struct: about 1 KiB as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Item {
    std::int64_t number = 0;
    std::string name;
    double price = 0;
    bool in_stock = false;
    std::vector<std::int64_t> sizes;
};

struct Order {
    std::int64_t id = 0;
    std::string customer;
    std::string note;
    std::vector<Item> items;
};

inline Order make_order() {
    Order order{
        .id = 48151623, .customer = "Ann Example", .note = "Leave it with the neighbours, please.", .items = {}};
    for (int i = 0; i != 10; ++i) {
        order.items.push_back({.number = 1000 + i,
                               .name = "A thing of some kind",
                               .price = 19.5 + i,
                               .in_stock = i % 2 == 0,
                               .sizes = {36, 38, 40, 42}});
    }
    return order;
}

}  // namespace bench
