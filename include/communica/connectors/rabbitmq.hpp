// Connections through a RabbitMQ broker, for more than one machine. Needs rabbitmq-c: target communica::rabbitmq.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "rabbitmq/broker_notes.hpp"
#include "rabbitmq/byte_stream.hpp"
#include "rabbitmq/last_connection.hpp"
#include "rabbitmq/names.hpp"
#include "rabbitmq/url.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace communica {

namespace rabbitmq {
struct Settings;
}

/// Options of a `RmqConnector`.
struct RmqOptions {
    /// The keep-alive interval with peers of the Python library, the same on both sides. A server sends at least once
    /// in it; a client that receives nothing for one and a half times as long looks for another server. Between peers
    /// of this library both sides send every five seconds, or in this interval if it is shorter, and
    /// `Limits::liveness_timeout` decides when the peer is dead.
    std::chrono::steady_clock::duration keep_alive = std::chrono::seconds{20};
    /// A server deletes the queues of clients that have been away for this long, and the messages in them.
    std::chrono::steady_clock::duration keep_queues = std::chrono::hours{1};
    /// The broker's limit in bytes (`max_message_size`), at least 4,096. Larger messages are not sent; they fail with
    /// `errc::message_too_large`. Default: that of the broker's version, 128 MiB, or 16 MiB from RabbitMQ 4 on. A
    /// broker with a lower limit shows it only by refusing a message: this breaks the connection once, and the request
    /// fails with the same error. The connector and its copies keep to that limit, even if the broker's is raised.
    std::optional<std::size_t> max_message = std::nullopt;
    /// Opens the connection to the broker. Null: TCP. An `amqps` URL needs `rabbitmq::over_tls` (rabbitmq_tls.hpp).
    std::shared_ptr<const rabbitmq::Dialer> dialer = nullptr;
};

/// Connects through the RabbitMQ broker at `url` (`rabbitmq::Url`). Servers and clients find each other by `address`.
///
/// Several servers at one address share its clients. A client stays with the server that handled its handshake, and
/// moves to another when that server dies. `client_id` names a client's queues, in which messages to it wait while it
/// is away. Each client needs its own, the same each time; a server needs none. Address and client id have at most 224
/// bytes together. The newest of two connections with one client id wins.
///
/// All connections with one URL and executor share one AMQP connection and its strand, so their handlers run one at a
/// time. It closes with the last of them.
///
/// A message is acknowledged after it was passed to its handler. It may be delivered twice if the process or its link
/// fails in between (`Context::redelivered`). Between peers of this library, a request that waits in a queue past its
/// deadline is dropped there, and a request that no queue takes fails at once with `errc::not_connected`. The broker
/// keeps messages in memory: they are lost when it restarts.
class RmqConnector {
 public:
    /// Throws `errc::invalid_argument`.
    RmqConnector(const std::string& url, std::string address, std::string client_id = {},
                 std::string exchange_name = std::string(rabbitmq::default_exchange), RmqOptions options = {});

    /// Names its queues; empty for a server.
    const std::string& client_id() const noexcept { return client_id_; }
    /// A text for people, without the password.
    std::string address() const { return url_.text() + " " + names_.address; }
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{250}; }

    /// `{"type": "RABBITMQ", "url": "amqp://...", "address": "calculator", "client_id": null,
    /// "exchange_name": "communica"}`. Contains the password.
    std::string dump_state() const;
    /// Throws `errc::invalid_state`. `client_id` is used if the state has none.
    static RmqConnector load_state(const std::string& text, std::string client_id = {}, RmqOptions options = {});

    /// Connects to a server, as in `Connector`.
    /// Errors: also `errc::invalid_argument` without a client id, `errc::authentication_failed` if the broker rejects
    /// user or password, `asio::error::connection_refused` if no server has ever listened at the address.
    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    rabbitmq::Settings settings_on(const asio::any_io_executor& executor) const;

    std::string url_text_;
    rabbitmq::Url url_;
    rabbitmq::QueueNames names_;
    std::string client_id_;
    std::string exchange_;
    RmqOptions options_;
    rabbitmq::LastConnectionOfOne last_;
    std::shared_ptr<rabbitmq::BrokerNotes> notes_ = std::make_shared<rabbitmq::BrokerNotes>();
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "rabbitmq.ipp"
#endif
