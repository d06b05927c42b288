// Accepts connections from several acceptors at once.
#pragma once

#include "../../connector.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace communica::detail {

/// Outside of the template, because Clang 19 can't compile it there with a precompiled header.
inline asio::awaitable<asio::any_io_executor> current_executor() { co_return co_await asio::this_coro::executor; }

/// Accepts from several acceptors in turn: a host name may have several addresses, a pipe has several instances. Runs
/// on the executor of the accepting coroutine, a strand. The acceptors decide on the executor of their connections.
///
/// An `Acceptor` has `take()`, which returns an accepted stream or null, and throws if the acceptor itself has failed;
/// `async_wait(executor, ready)`, which calls `ready()` there when there may be a stream; and `close()`.
template <class Acceptor>
class StreamListener : public Listener, public std::enable_shared_from_this<StreamListener<Acceptor>> {
 public:
    StreamListener(std::vector<Acceptor> acceptors, const asio::any_io_executor& executor,
                   const ConnectionOptions& options)
        : acceptors_(std::move(acceptors)),
          ready_(acceptors_.size()),
          changed_(executor, asio::steady_timer::time_point::max()),
          options_(options) {
        std::iota(ready_.begin(), ready_.end(), std::size_t{0});
    }

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        const auto self = this->shared_from_this();
        const auto strand = co_await current_executor();
        for (;;) {
            if (closed_) {
                throw std::system_error(make_error_code(asio::error::operation_aborted));
            }
            while (!ready_.empty()) {
                const std::size_t index = ready_.front();
                if (auto stream = acceptors_[index].take()) {
                    co_return make_connection(*std::move(stream));
                }
                arm(strand, index);
                ready_.pop_front();
            }
            changed_.expires_at(next_look_);
            co_await changed_.async_wait(no_throw);
            if (!closed_ && std::chrono::steady_clock::now() >= next_look_) {
                next_look_ = std::chrono::steady_clock::now() + look();
            }
        }
    }

    void close() override {
        closed_ = true;
        for (Acceptor& acceptor : acceptors_) {
            acceptor.close();
        }
        changed_.cancel();
    }

 protected:
    /// Null if the peer is not trusted.
    virtual std::shared_ptr<Connection> make_connection(typename Acceptor::Stream stream) = 0;
    const ConnectionOptions& options() const noexcept { return options_; }
    const std::vector<Acceptor>& acceptors() const noexcept { return acceptors_; }

    /// Checks what no event reports. Returns the time until the next call. `accept` throws its exceptions.
    virtual std::chrono::steady_clock::duration look() { return std::chrono::hours{24}; }
    /// Requests the first check.
    void look_after(std::chrono::steady_clock::duration time) { next_look_ = std::chrono::steady_clock::now() + time; }
    void replace(std::size_t index, Acceptor acceptor) {
        acceptors_[index].close();  // also ends its wait, so that the new one is asked
        acceptors_[index] = std::move(acceptor);
    }

 private:
    void arm(const asio::any_io_executor& strand, std::size_t index) {
        acceptors_[index].async_wait(strand, [self = this->shared_from_this(), index] {
            self->ready_.push_back(index);
            self->changed_.cancel();
        });
    }

    std::vector<Acceptor> acceptors_;
    std::deque<std::size_t> ready_;  // acceptors that may have a stream; the others wait
    asio::steady_timer changed_;     // cancelled when an acceptor is ready
    std::chrono::steady_clock::time_point next_look_ = std::chrono::steady_clock::time_point::max();
    ConnectionOptions options_;
    bool closed_ = false;
};

}  // namespace communica::detail
