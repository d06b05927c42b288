#pragma once

#include "buffer_requests.hpp"

namespace communica::peer {

COMMUNICA_INLINE asio::awaitable<Buffer> lend(RequestTarget target, std::size_t size) {
    const auto requester = target.requester ? target.requester : target.source->find();
    co_return requester->lend(size);
}

}  // namespace communica::peer
