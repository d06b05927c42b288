// Small numbers for the routes of notifications that are not confirmed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace communica::peer {

/// The routes of a connection's notifications, in bounded memory. Not thread-safe.
class RouteNumbers {
 public:
    using Number = std::uint8_t;

    static constexpr Number most = 64;             ///< the routes with a number of their own; others share this one
    static constexpr std::size_t max_route = 256;  ///< bytes of such a route

    void clear() noexcept {
        last_route_ = {};
        last_ = most;
        routes_.clear();
    }

    /// The first route may be empty: it is none, and shares the number of the others.
    Number number_of(std::string_view route) noexcept {
        if (!std::equal(route.begin(), route.end(), last_route_.begin(), last_route_.end())) {  // == is not inlined
            change_to(route);
        }
        return last_;
    }
    /// Nothing for the number that several share.
    std::optional<std::string_view> route_of(Number number) const noexcept {
        return number == most ? std::nullopt : std::optional<std::string_view>(routes_[number]);
    }

 private:
    [[gnu::noinline]] void change_to(std::string_view route) noexcept {
        last_ = find_or_add(route);
        last_route_ = route_of(last_).value_or(std::string_view());
    }
    Number find_or_add(std::string_view route) noexcept {
        for (std::size_t number = 0; number != routes_.size(); ++number) {
            if (routes_[number] == route) {
                return static_cast<Number>(number);
            }
        }
        if (routes_.size() == most || route.size() > max_route) {
            return most;
        }
        try {
            routes_.emplace_back(route);
        } catch (const std::bad_alloc&) {
            return most;
        }
        return static_cast<Number>(routes_.size() - 1);
    }

    std::vector<std::string> routes_;
    Number last_ = most;
    std::string_view last_route_;  // one of `routes_`, set again after each change of them
};

}  // namespace communica::peer
