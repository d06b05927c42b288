// The narrow waist, part two: a connector makes connections, whatever they are made of.
#pragma once

#include "asio.hpp"
#include "connection.hpp"

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace communica {

/// What a connector accepts connections with.
class Listener {
 public:
    virtual ~Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// The next connection, before any handshake; null for one that was closed at once, as its user is not let in. Throws
    /// `asio::error::operation_aborted` once closed, and `errc::handshake_failed` for one that can't be answered.
    virtual asio::awaitable<std::shared_ptr<Connection>> accept() = 0;
    /// Stops listening and gives the address free. Call it on the executor on which `accept` is awaited.
    virtual void close() = 0;
    /// Where it listens, for people; a port that was 0 is the real one here.
    virtual std::string address() const = 0;
    /// The state (`dump_state`) of a connector that reaches this listener.
    virtual std::string state() const = 0;

 protected:
    Listener() = default;
};

/// A value that knows an address. Copies are independent; a connector holds no resource until it connects or listens.
///
/// `connect` and `listen` complete on `executor`; each connection they make has a strand of it. Both end with
/// `asio::error::operation_aborted` when cancelled. Failures are `std::system_error` with the system's code.
template <class C>
concept Connector = std::copy_constructible<C> && requires(const C& connector, asio::any_io_executor executor,
                                                           const ConnectionOptions& options, const std::string& state) {
    { connector.connect(executor, options) } -> std::same_as<asio::awaitable<std::shared_ptr<Connection>>>;
    { connector.listen(executor, options) } -> std::same_as<asio::awaitable<std::shared_ptr<Listener>>>;
    { connector.address() } -> std::convertible_to<std::string>;
    { connector.dump_state() } -> std::same_as<std::string>;
    { C::load_state(state) } -> std::same_as<C>;
};

/// How soon a client tries again after the first failure: what the connector says, or a second.
template <Connector C>
std::chrono::milliseconds first_retry_of(const C& connector) {
    if constexpr (requires { connector.first_retry(); }) {
        return connector.first_retry();
    } else {
        return std::chrono::seconds{1};
    }
}

/// Can only one connection ever come of it? Then a client or server whose connection has ended has ended, too.
template <Connector C>
bool serves_once(const C& connector) {
    if constexpr (requires { connector.serves_once(); }) {
        return connector.serves_once();
    } else {
        return false;
    }
}

/// The connecting half of any connector, its type forgotten: what clients work with inside. Apart from the other half,
/// so that a client compiles no listener and a server nothing that connects.
class ConnectionFactory {
 public:
    template <class C>
        requires(!std::same_as<C, ConnectionFactory>) && Connector<C>
    explicit ConnectionFactory(C connector) : model_(std::make_shared<Model<C>>(std::move(connector))) {}

    /// As `Connector::connect`.
    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        return model_->connect(std::move(executor), std::move(options));
    }
    /// Where it connects to, for people.
    std::string address() const { return model_->address(); }
    /// Before the second attempt; it doubles from there on.
    std::chrono::milliseconds first_retry() const { return model_->first_retry(); }
    /// Is there nothing to connect to again, once the connection has ended?
    bool serves_once() const { return model_->serves_once(); }

 private:
    struct Interface {
        virtual ~Interface() = default;
        virtual asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor,
                                                                     ConnectionOptions) const = 0;
        virtual std::string address() const = 0;
        virtual std::chrono::milliseconds first_retry() const = 0;
        virtual bool serves_once() const = 0;
    };

    template <Connector C>
    struct Model final : Interface {
        explicit Model(C c) : connector(std::move(c)) {}
        asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                             ConnectionOptions options) const override {
            return connector.connect(std::move(executor), std::move(options));
        }
        std::string address() const override { return connector.address(); }
        std::chrono::milliseconds first_retry() const override { return first_retry_of(connector); }
        bool serves_once() const override { return communica::serves_once(connector); }
        C connector;
    };

    std::shared_ptr<const Interface> model_;
};

/// The listening half: what servers work with inside.
class ListenerFactory {
 public:
    template <class C>
        requires(!std::same_as<C, ListenerFactory>) && Connector<C>
    explicit ListenerFactory(C connector) : model_(std::make_shared<Model<C>>(std::move(connector))) {}

    /// As `Connector::listen`.
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        return model_->listen(std::move(executor), std::move(options));
    }
    /// Where it listens, for people.
    std::string address() const { return model_->address(); }
    /// Does it bring one connection, and no other after that?
    bool serves_once() const { return model_->serves_once(); }

 private:
    struct Interface {
        virtual ~Interface() = default;
        virtual asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor, ConnectionOptions) const = 0;
        virtual std::string address() const = 0;
        virtual bool serves_once() const = 0;
    };

    template <Connector C>
    struct Model final : Interface {
        explicit Model(C c) : connector(std::move(c)) {}
        asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor,
                                                          ConnectionOptions options) const override {
            return connector.listen(std::move(executor), std::move(options));
        }
        std::string address() const override { return connector.address(); }
        bool serves_once() const override { return communica::serves_once(connector); }
        C connector;
    };

    std::shared_ptr<const Interface> model_;
};

}  // namespace communica
