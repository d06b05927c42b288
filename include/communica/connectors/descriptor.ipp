#pragma once

#include "descriptor.hpp"
#include "detail/descriptor_platform.hpp"
#include "detail/state.hpp"

#include <atomic>
#include <utility>

namespace communica {

struct DescriptorConnector::State {
    State(int descriptor, DescriptorOptions with)
        : number(descriptor), is_listening(detail::is_listening(descriptor)), options(std::move(with)) {}
    ~State() {
        if (!taken) {
            detail::close_descriptor(number);
        }
    }

    std::shared_ptr<Connection> open(const asio::any_io_executor& executor, const ConnectionOptions& connection) {
        take("a descriptor serves one connection, and this one has had it");
        return detail::adopt_descriptor(number, executor, connection);
    }
    void take(const char* refusal) {
        if (taken.exchange(true)) {
            throw std::system_error(errc::not_connected, refusal);
        }
    }

    const int number;
    const bool is_listening;
    const DescriptorOptions options;
    std::atomic<bool> taken = false;
};

/// Accepts the one connection, then waits until it is closed.
class DescriptorConnector::OneListener final : public Listener {
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
        throw std::system_error(make_error_code(asio::error::operation_aborted));
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

COMMUNICA_INLINE DescriptorConnector::DescriptorConnector(int descriptor, DescriptorOptions options)
    : state_(std::make_shared<State>(descriptor, std::move(options))) {}

COMMUNICA_INLINE bool DescriptorConnector::serves_once() const noexcept { return !state_->is_listening; }

COMMUNICA_INLINE std::string DescriptorConnector::address() const {
    return "descriptor " + std::to_string(state_->number);
}

COMMUNICA_INLINE std::string DescriptorConnector::dump_state() const& {
    return "{\"type\": \"DescriptorConnector\", \"descriptor\": " + std::to_string(state_->number) + "}";
}

COMMUNICA_INLINE std::string DescriptorConnector::dump_state() && {
    std::string state = std::as_const(*this).dump_state();
    if (state_.use_count() == 1) {
        state_->taken = true;
    }
    return state;
}

COMMUNICA_INLINE DescriptorConnector DescriptorConnector::load_state(const std::string& text) {
    const detail::ConnectorState state(text, "DescriptorConnector");
    return DescriptorConnector(state.get<int>("descriptor"));
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> DescriptorConnector::connect(
    asio::any_io_executor executor, ConnectionOptions options) const {
    co_return state_->open(executor, options);
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> DescriptorConnector::listen(
    asio::any_io_executor executor, ConnectionOptions options) const {
    if (state_->is_listening) {
        state_->take("a descriptor is listened at once, and this one has been");
        co_return detail::adopt_listening(state_->number, dump_state(), state_->options.users, executor, options);
    }
    co_return std::make_shared<OneListener>(executor, state_->open(executor, options), address(), dump_state());
}

}  // namespace communica
