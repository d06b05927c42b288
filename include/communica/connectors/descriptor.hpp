// A connection over a descriptor that exists already: one end of a socketpair, or one inherited from a parent.
#pragma once

#include "../connector.hpp"
#include "detail/local_platform.hpp"
#include "detail/state.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// The stream socket behind `descriptor`, which becomes this connector's: it serves one connection, as client
/// (`connect`) or server (`listen` accepts it once), and its copies share it. The descriptor is made close-on-exec.
/// On Windows it is the handle of one end of a connected pipe, opened with `FILE_FLAG_OVERLAPPED`. (Handles have 32 bits
/// there: Microsoft, "Interprocess Communication Between 32-bit and 64-bit Applications".)
///
/// A parent that hands an end of a `socketpair` to its child leaves that end inheritable, and passes `dump_state()`.
class DescriptorConnector {
 public:
    explicit DescriptorConnector(int descriptor) : state_(std::make_shared<State>(descriptor)) {}

    std::string address() const { return "descriptor " + std::to_string(state_->number); }

    /// `{"type": "DescriptorConnector", "descriptor": 3}`
    std::string dump_state() const {
        return "{\"type\": \"DescriptorConnector\", \"descriptor\": " + std::to_string(state_->number) + "}";
    }
    static DescriptorConnector load_state(const std::string& text) {
        const detail::ConnectorState state(text, "DescriptorConnector");
        return DescriptorConnector(state.get<int>("descriptor"));
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        co_return state_->open(executor, options);
    }

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        co_return std::make_shared<OneListener>(executor, state_->open(executor, options), address(), dump_state());
    }

 private:
    struct State {
        explicit State(int descriptor) : number(descriptor) {}
        ~State() {
            if (!taken) {
                detail::close_descriptor(number);
            }
        }

        std::shared_ptr<Connection> open(const asio::any_io_executor& executor, const ConnectionOptions& options) {
            if (taken.exchange(true)) {
                throw std::system_error(errc::not_connected,
                                        "a descriptor serves one connection, and this one has had it");
            }
            return detail::adopt_descriptor(number, executor, options);
        }

        const int number;
        std::atomic<bool> taken = false;
    };

    /// Accepts the one connection there is, then waits until it is closed.
    class OneListener final : public Listener {
     public:
        OneListener(const asio::any_io_executor& executor, std::shared_ptr<Connection> connection, std::string address,
                    std::string state)
            : connection_(std::move(connection)),
              closed_(executor, asio::steady_timer::time_point::max()),
              address_(std::move(address)),
              state_(std::move(state)) {}

        asio::awaitable<std::shared_ptr<Connection>> accept() override {
            if (connection_) {
                co_return std::exchange(connection_, nullptr);
            }
            co_await closed_.async_wait(no_throw);
            throw std::system_error(asio::error::operation_aborted);
        }
        void close() override { closed_.expires_at(asio::steady_timer::time_point::min()); }
        std::string address() const override { return address_; }
        std::string state() const override { return state_; }

     private:
        std::shared_ptr<Connection> connection_;
        asio::steady_timer closed_;  // expires when the listener is closed
        std::string address_;
        std::string state_;
    };

    std::shared_ptr<State> state_;
};

}  // namespace communica
