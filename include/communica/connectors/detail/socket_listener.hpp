// Accepts connections from one or more listening sockets.
#pragma once

#include "../../connector.hpp"
#include "platform.hpp"
#include "socket.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace communica::detail {

/// Accepts from several sockets in turn (a host name may have several addresses). Works on the executor of the
/// coroutine that accepts, a strand; `executor` is where the connections get strands of their own.
class SocketListener : public Listener, public std::enable_shared_from_this<SocketListener> {
 public:
    SocketListener(std::vector<Acceptor> acceptors, asio::any_io_executor executor, const ConnectionOptions& options)
        : acceptors_(std::move(acceptors)),
          armed_(acceptors_.size()),
          ready_(executor, asio::steady_timer::time_point::max()),
          executor_(std::move(executor)),
          options_(options) {}

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        const auto self = shared_from_this();
        const auto strand = co_await asio::this_coro::executor;
        for (;;) {
            if (closed_) {
                throw std::system_error(asio::error::operation_aborted);
            }
            for (Acceptor& acceptor : acceptors_) {
                if (const int descriptor = accept_socket(acceptor); descriptor >= 0) {
                    Socket socket(make_strand_on(executor_));
                    socket.assign(acceptor.local_endpoint().protocol(), descriptor);
                    co_return make_connection(std::move(socket));
                }
            }
            arm(strand);
            co_await ready_.async_wait(no_throw);
        }
    }

    void close() override {
        closed_ = true;
        for (Acceptor& acceptor : acceptors_) {
            asio::error_code ignored;
            acceptor.close(ignored);
        }
        ready_.cancel();
    }

 protected:
    /// Null if it is nobody to talk to.
    virtual std::shared_ptr<Connection> make_connection(Socket socket) = 0;
    const ConnectionOptions& options() const noexcept { return options_; }
    const std::vector<Acceptor>& acceptors() const noexcept { return acceptors_; }

 private:
    void arm(const asio::any_io_executor& strand) {
        for (std::size_t index = 0; index != acceptors_.size(); ++index) {
            if (!armed_[index]) {
                armed_[index] = true;
                auto ready = [self = shared_from_this(), index](asio::error_code) {
                    self->armed_[index] = false;
                    self->ready_.cancel();
                };
                acceptors_[index].async_wait(Acceptor::wait_read, asio::bind_executor(strand, std::move(ready)));
            }
        }
    }

    std::vector<Acceptor> acceptors_;
    std::vector<bool> armed_;   // a wait for this acceptor is under way
    asio::steady_timer ready_;  // never expires: cancelled to say that something may be accepted
    asio::any_io_executor executor_;
    ConnectionOptions options_;
    bool closed_ = false;
};

}  // namespace communica::detail
