// The connector interface: a connector creates connections of any transport.
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

/// Accepts the connections of a connector.
class Listener {
 public:
    virtual ~Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Returns the next connection, before its handshake. Null if it was closed at once because its user is not
    /// allowed. Throws `asio::error::operation_aborted` after `close`, and `errc::handshake_failed` for a connection
    /// that can't be answered.
    virtual asio::awaitable<std::shared_ptr<Connection>> accept() = 0;
    /// Stops listening and frees the address. Call it on the executor that awaits `accept`.
    virtual void close() = 0;
    /// The address in readable form, with the actual port in place of port 0.
    virtual std::string address() const = 0;
    /// The state (`dump_state`) of a connector that connects to this listener.
    virtual std::string state() const = 0;

 protected:
    Listener() = default;
};

/// A value that holds an address. Copies are independent. A connector holds no resource until it connects or listens.
///
/// `connect` and `listen` complete on `executor`, and each connection has its own strand of it. Cancellation ends both
/// with `asio::error::operation_aborted`. Failures are `std::system_error` with the system's code.
template <class C>
concept Connector = std::copy_constructible<C> && requires(const C& connector, asio::any_io_executor executor,
                                                           const ConnectionOptions& options, const std::string& state) {
    { connector.connect(executor, options) } -> std::same_as<asio::awaitable<std::shared_ptr<Connection>>>;
    { connector.listen(executor, options) } -> std::same_as<asio::awaitable<std::shared_ptr<Listener>>>;
    { connector.address() } -> std::convertible_to<std::string>;
    { connector.dump_state() } -> std::same_as<std::string>;
    { C::load_state(state) } -> std::same_as<C>;
};

namespace detail {

/// Stands for a connector where an argument is none, so that the compiler reports no other error.
struct NoConnector {
    template <class C>
    NoConnector(const C& argument);
    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor, ConnectionOptions) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor, ConnectionOptions) const;
    std::string address() const;
    std::string dump_state() const;
    static NoConnector load_state(const std::string& state);
};

/// Makes the compiler state what is wrong with the second argument of an entity, instead of listing constructors.
template <class C>
struct MustBeConnector {
    using type = NoConnector;
    static_assert(Connector<C>,
                  "communica: the second argument is no connector, such as TcpConnector or LocalConnector, "
                  "but the argument of MustBeConnector");
};

/// The delay before a client's second attempt: the connector's, or 1 s.
template <Connector C>
std::chrono::milliseconds first_retry_of(const C& connector) {
    if constexpr (requires { connector.first_retry(); }) {
        return connector.first_retry();
    } else {
        return std::chrono::seconds{1};
    }
}

/// Returns true if the connector can create only one connection. A client or server then ends with it.
template <Connector C>
bool serves_once(const C& connector) {
    if constexpr (requires { connector.serves_once(); }) {
        return connector.serves_once();
    } else {
        return false;
    }
}

}  // namespace detail

/// The connecting half of a connector, type-erased, for clients. It is separate from `ListenerFactory`, so that a
/// client compiles no listener and a server no code that connects.
class ConnectionFactory {
 public:
    template <class C>
        requires(!std::same_as<C, ConnectionFactory>) && Connector<C>
    explicit ConnectionFactory(C connector) : model_(std::make_shared<Model<C>>(std::move(connector))) {}

    /// Calls `Connector::connect`.
    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        return model_->connect(std::move(executor), std::move(options));
    }
    /// The address it connects to, in readable form.
    std::string address() const { return model_->address(); }
    /// The delay before the second attempt. It doubles with each further attempt.
    std::chrono::milliseconds first_retry() const { return model_->first_retry(); }
    /// Returns true if the connector can create only one connection.
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
        std::chrono::milliseconds first_retry() const override { return detail::first_retry_of(connector); }
        bool serves_once() const override { return detail::serves_once(connector); }
        C connector;
    };

    std::shared_ptr<const Interface> model_;
};

/// The listening half of a connector, type-erased, for servers.
class ListenerFactory {
 public:
    template <class C>
        requires(!std::same_as<C, ListenerFactory>) && Connector<C>
    explicit ListenerFactory(C connector) : model_(std::make_shared<Model<C>>(std::move(connector))) {}

    /// Calls `Connector::listen`.
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        return model_->listen(std::move(executor), std::move(options));
    }
    /// The address it listens at, in readable form.
    std::string address() const { return model_->address(); }
    /// Returns true if it can accept only one connection.
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
        bool serves_once() const override { return detail::serves_once(connector); }
        C connector;
    };

    std::shared_ptr<const Interface> model_;
};

}  // namespace communica
