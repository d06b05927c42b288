// Connections between peers that share a key. Needs OpenSSL: target communica::auth.
#pragma once

#include "../connector.hpp"
#include "detail/keyed_connection.hpp"

#include <memory>
#include <string>
#include <utility>

namespace communica {
namespace detail {

class KeyedListener final : public Listener {
 public:
    KeyedListener(std::shared_ptr<Listener> inner, SharedKey key) : inner_(std::move(inner)), key_(std::move(key)) {}

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        auto connection = co_await inner_->accept();
        if (!connection) {
            co_return nullptr;
        }
        co_return std::make_shared<KeyedConnection>(std::move(connection), key_, KeyedConnection::Side::server);
    }
    void close() override { inner_->close(); }
    std::string address() const override { return inner_->address(); }
    std::string state() const override { return inner_->state(); }

 private:
    std::shared_ptr<Listener> inner_;
    SharedKey key_;
};

}  // namespace detail

/// Restricts another connector to peers with the same key: `with_key(TcpConnector{"localhost", 16161}, key)`.
///
/// Each side proves to the other that it has the key, before anything else is sent and before a client is accepted. A
/// peer without the key, or with another one, is refused: both sides fail with `errc::authentication_failed` at once,
/// and a client stops, because a retry would fail again. The Python library has no keys, and is refused.
///
/// The key authenticates the peers. It does not encrypt messages or protect them from a man in the middle: for that,
/// use a `TlsConnector` inside. The proofs are bound to its channel.
///
/// The state is that of the inner connector, without the key.
template <Connector C>
class KeyedConnector {
 public:
    KeyedConnector(C connector, SharedKey key) : connector_(std::move(connector)), key_(std::move(key)) {}

    std::string address() const { return connector_.address(); }
    std::chrono::milliseconds first_retry() const { return detail::first_retry_of(connector_); }
    bool serves_once() const { return detail::serves_once(connector_); }

    std::string dump_state() const { return connector_.dump_state(); }
    static KeyedConnector load_state(const std::string& text, SharedKey key) {
        return {C::load_state(text), std::move(key)};
    }
    /// Throws `errc::invalid_state`: a state has no key.
    static KeyedConnector load_state(const std::string&) {
        throw std::system_error(errc::invalid_state, "it wants a shared key: load it with one");
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        co_return std::make_shared<detail::KeyedConnection>(
            co_await connector_.connect(std::move(executor), std::move(options)), key_,
            detail::KeyedConnection::Side::client);
    }
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        co_return std::make_shared<detail::KeyedListener>(
            co_await connector_.listen(std::move(executor), std::move(options)), key_);
    }

 private:
    C connector_;
    SharedKey key_;
};

/// Restricts any connector to peers with the same key.
template <Connector C>
KeyedConnector<C> with_key(C connector, SharedKey key) {
    return {std::move(connector), std::move(key)};
}

}  // namespace communica
