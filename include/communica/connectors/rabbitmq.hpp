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

/// What a `RmqConnector` can be told beside its address.
struct RmqOptions {
    /// With the Python library: how long a server may be silent before it gives a sign of life. A client waits one and a half
    /// times as long, then it looks for another server. Both sides need the same. Between peers of this library it is five
    /// seconds, or this if it is less, and goes both ways; `Limits::liveness_timeout` says when the other side is dead.
    std::chrono::steady_clock::duration keep_alive = std::chrono::seconds{20};
    /// A server deletes the queues of clients that have been away for so long, and with them what waited there.
    std::chrono::steady_clock::duration keep_queues = std::chrono::hours{1};
    /// The broker's limit in bytes, at least 4,096 (`max_message_size`): larger messages are not sent, and end with
    /// `errc::message_too_large`. Unless given: 128 MiB, and 16 MiB with RabbitMQ 4 and later, as is usual there. The broker tells
    /// of a lower limit only when it refuses a message: that costs the connection, once, and ends the request likewise.
    /// The connector and its copies keep to that limit from then on, also if the broker's is raised later.
    std::optional<std::size_t> max_message = std::nullopt;
    /// How to reach the broker: TCP where nothing is given. An `amqps` URL needs `rabbitmq::over_tls` (rabbitmq_tls.hpp).
    std::shared_ptr<const rabbitmq::Dialer> dialer = nullptr;
};

/// A broker at `url` (`rabbitmq::Url`), and there an `address` at which servers and clients meet.
///
/// Several servers at one address share the clients between them: each client stays with the server that took its handshake,
/// and when that one dies moves to another. `client_id` names a client's queues, in which what is sent to it waits while it
/// is away; every client needs one of its own, the same each time, and a server none. Address and client id have 224 bytes
/// together. Of two connections with one client id the newest counts.
///
/// All connections over one URL and executor share one AMQP connection and its strand, so their handlers run one at a time.
/// It is closed with the last of them.
///
/// Messages are acknowledged after they were handed to their handler: one may be handed out twice, when the process or its
/// link died in between (`Context::redelivered`). A request that waits in a queue for longer than its time is dropped there,
/// between peers of this library; one that no queue takes ends at once with `errc::not_connected`. The broker keeps messages
/// in memory: they are lost when it restarts.
class RmqConnector {
 public:
    /// Throws `errc::invalid_argument`.
    RmqConnector(const std::string& url, std::string address, std::string client_id = {},
                 std::string exchange_name = std::string(rabbitmq::default_exchange), RmqOptions options = {});

    /// By which its queues are named; empty for a server.
    const std::string& client_id() const noexcept { return client_id_; }
    /// For people: without the password.
    std::string address() const { return url_.text() + " " + names_.address; }
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{250}; }

    /// `{"type": "RABBITMQ", "url": "amqp://...", "address": "calculator", "client_id": null, "exchange_name": "communica"}`.
    /// The password is in it.
    std::string dump_state() const;
    /// Throws `errc::invalid_state`. A `client_id` here is taken where the state has none.
    static RmqConnector load_state(const std::string& text, std::string client_id = {}, RmqOptions options = {});

    /// Throws also `errc::invalid_argument` without a client id, `errc::authentication_failed` if the broker does not take user
    /// and password, `asio::error::connection_refused` while no server has ever listened at the address.
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
