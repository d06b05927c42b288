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
    std::string address() const { return dialer_.address(); }
    std::string dump_state() const { return state_; }
    asio::awaitable<std::shared_ptr<communica::Connection>> connect(asio::any_io_executor executor,
                                                                    communica::ConnectionOptions options) const {
        return dialer_.connect(std::move(executor), std::move(options));
    }
    asio::awaitable<std::shared_ptr<communica::Listener>> listen(asio::any_io_executor executor,
                                                                 communica::ConnectionOptions options) const {
        return binder_.listen(std::move(executor), std::move(options));
    }

 protected:
    PartTransport(communica::Dialer dialer, communica::Binder binder, std::string state)
        : dialer_(std::move(dialer)), binder_(std::move(binder)), state_(std::move(state)) {}

 private:
    communica::Dialer dialer_;
    communica::Binder binder_;
    std::string state_;
};

}  // namespace test
