// The type-erased stream of a link to a broker: TCP, or TLS with OpenSSL.
#pragma once

#include "../../asio.hpp"
#include "url.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

namespace communica::rabbitmq {

/// A connected stream. Not thread-safe; at most one read and one write may be pending.
class ByteStream {
 public:
    using Done = std::function<void(asio::error_code, std::size_t)>;

    virtual ~ByteStream() = default;
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    /// Returns an error instead of throwing it.
    virtual asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some(asio::mutable_buffer room) = 0;
    /// Writes all of it. Calls `done` on `executor`.
    virtual void write(std::span<const asio::const_buffer> buffers, const asio::any_io_executor& executor,
                       Done done) = 0;
    virtual void close() = 0;

 protected:
    ByteStream() = default;
};

template <class Stream>
class ByteStreamOver final : public ByteStream {
 public:
    explicit ByteStreamOver(Stream stream) : stream_(std::move(stream)) {}

    asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some(asio::mutable_buffer room) override {
        co_return co_await stream_.async_read_some(room, no_throw);
    }
    void write(std::span<const asio::const_buffer> buffers, const asio::any_io_executor& executor, Done done) override {
        asio::async_write(stream_, buffers, asio::bind_executor(executor, std::move(done)));
    }
    void close() override {
        asio::error_code ignored;
        stream_.close(ignored);
    }

 private:
    Stream stream_;
};

/// Connects a stream to one of a broker's hosts.
using Dial = std::function<asio::awaitable<std::unique_ptr<ByteStream>>(Url::Host, asio::any_io_executor)>;

/// Connects to the hosts of a URL. Different objects share no link.
struct Dialer {
    Dial dial;
};

}  // namespace communica::rabbitmq
