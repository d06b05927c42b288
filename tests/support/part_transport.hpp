// A connector that needs a library of its own, as a transport of the tests: what uses it is compiled where there is none, too.
#pragma once

#include <communica/connector.hpp>

#include <memory>
#include <string>
#include <utility>

namespace test {

/// A connector whose type is forgotten, and its state.
class PartTransport {
 public:
    std::string address() const { return connection_factory_.address(); }
    std::string dump_state() const { return state_; }
    asio::awaitable<std::shared_ptr<communica::Connection>> connect(asio::any_io_executor executor,
                                                                    communica::ConnectionOptions options) const {
        return connection_factory_.connect(std::move(executor), std::move(options));
    }
    asio::awaitable<std::shared_ptr<communica::Listener>> listen(asio::any_io_executor executor,
                                                                 communica::ConnectionOptions options) const {
        return listener_factory_.listen(std::move(executor), std::move(options));
    }

 protected:
    PartTransport(communica::ConnectionFactory connection_factory, communica::ListenerFactory listener_factory,
                  std::string state)
        : connection_factory_(std::move(connection_factory)),
          listener_factory_(std::move(listener_factory)),
          state_(std::move(state)) {}

 private:
    communica::ConnectionFactory connection_factory_;
    communica::ListenerFactory listener_factory_;
    std::string state_;
};

}  // namespace test
