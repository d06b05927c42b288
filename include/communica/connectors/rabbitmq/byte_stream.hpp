// What a link to a broker reads from and writes to, its type forgotten: TCP, or TLS where OpenSSL is there.
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

/// A connected stream. Not thread-safe; one read and one write at a time.
class ByteStream {
 public:
    using Done = std::function<void(asio::error_code, std::size_t)>;

    virtual ~ByteStream() = default;
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    /// Gives an error as a value.
    virtual asio::awaitable<std::tuple<asio::error_code, std::size_t>> read_some(asio::mutable_buffer room) = 0;
    /// Writes all of it. `done` is called on `executor`.
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

/// Makes a stream to one of a broker's hosts.
using Dial = std::function<asio::awaitable<std::unique_ptr<ByteStream>>(Url::Host, asio::any_io_executor)>;

/// How to reach the hosts of a URL. Two that are not the same object share no link.
struct Dialer {
    Dial dial;
};

}  // namespace communica::rabbitmq
