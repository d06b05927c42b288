// Connects to a broker over TCP.
#pragma once

#include "../../asio.hpp"
#include "../detail/tcp_race.hpp"
#include "byte_stream.hpp"
#include "url.hpp"

#include <memory>
#include <utility>

namespace communica::rabbitmq {

inline asio::awaitable<std::unique_ptr<ByteStream>> dial_tcp(Url::Host host, asio::any_io_executor executor) {
    communica::detail::TcpAddress address{std::move(host.name), host.port};
    co_return std::make_unique<ByteStreamOver<communica::detail::Socket>>(
        co_await communica::detail::connect_tcp(std::move(address), std::move(executor)));
}

}  // namespace communica::rabbitmq
