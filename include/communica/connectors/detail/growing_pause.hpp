// A growing wait for polling.
#pragma once

#include "../../asio.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace communica::detail {

/// The first pause takes 1 ms. Each further one is twice as long, up to 50 ms.
class GrowingPause {
 public:
    explicit GrowingPause(const asio::any_io_executor& executor) : timer_(executor) {}

    template <class Token>
    auto async_wait(Token&& token) {
        timer_.expires_after(length_);
        length_ = std::min(2 * length_, std::chrono::milliseconds{50});
        return timer_.async_wait(std::forward<Token>(token));
    }

 private:
    asio::steady_timer timer_;
    std::chrono::milliseconds length_{1};
};

}  // namespace communica::detail
