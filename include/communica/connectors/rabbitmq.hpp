// Connections through a RabbitMQ broker, for more than one machine. Needs rabbitmq-c: target communica::rabbitmq.
#pragma once

#include "../connector.hpp"
#include "detail/state.hpp"
#include "rabbitmq/client_connection.hpp"
#include "rabbitmq/listener.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica {

struct RmqOptions {
    /// With the Python library: how long a server may be silent before it gives a sign of life. A client waits one and a half
    /// times as long, then it looks for another server. Both sides need the same. Between peers of this library it is five
    /// seconds, or this if it is less, and goes both ways; `Limits::max_silence` says when the other side is dead.
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
                 std::string exchange_name = std::string(rabbitmq::default_exchange), RmqOptions options = {})
        : url_text_(url),
          url_(rabbitmq::Url::parse(url)),
          names_{std::move(address)},
          client_id_(std::move(client_id)),
          exchange_(std::move(exchange_name)),
          options_(std::move(options)) {
        if (names_.address.empty() || exchange_.empty() || exchange_.size() > 255) {
            throw std::system_error(errc::invalid_argument,
                                    "RabbitMQ wants an address, and an exchange of up to 255 bytes");
        }
        if (!names_.fits(client_id_.empty() ? "?" : client_id_)) {
            throw std::system_error(errc::invalid_argument, "address and client id have more than 224 bytes together");
        }
        try {
            (void)dump_state();
        } catch (const nlohmann::json::exception&) {
            throw std::system_error(errc::invalid_argument, "RabbitMQ wants address, client id and exchange in UTF-8");
        }
        if (options_.max_message.value_or(4096) < 4096) {
            throw std::system_error(errc::invalid_argument, "RmqOptions::max_message is 4096 at least");
        }
        if (!options_.dialer) {
            if (url_.tls) {
                throw std::system_error(errc::invalid_argument,
                                        "an amqps URL wants RmqOptions::dialer: rabbitmq::over_tls (rabbitmq_tls.hpp)");
            }
            options_.dialer = tcp_dialer();
        }
    }

    const std::string& client_id() const noexcept { return client_id_; }
    /// For people: without the password.
    std::string address() const { return url_.text() + " " + names_.address; }
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{250}; }

    /// `{"type": "RABBITMQ", "url": "amqp://...", "address": "calculator", "client_id": null, "exchange_name": "communica"}`.
    /// The password is in it.
    std::string dump_state() const {
        return R"({"type": "RABBITMQ", "url": )" + detail::quote_ascii(url_text_) + R"(, "address": )" +
               detail::quote_ascii(names_.address) + R"(, "client_id": )" +
               (client_id_.empty() ? "null" : detail::quote_ascii(client_id_)) + R"(, "exchange_name": )" +
               detail::quote_ascii(exchange_) + "}";
    }
    /// Throws `errc::invalid_state`. A `client_id` here is taken where the state has none.
    static RmqConnector load_state(const std::string& text, std::string client_id = {}, RmqOptions options = {}) {
        const detail::ConnectorState state(text, "RABBITMQ");
        try {
            return {state.get<std::string>("url"), state.get<std::string>("address"),
                    state.get_or("client_id", std::move(client_id)),
                    state.get_or("exchange_name", std::string(rabbitmq::default_exchange)), std::move(options)};
        } catch (const std::system_error& e) {
            if (e.code() == errc::invalid_argument) {
                detail::ConnectorState::fail(e.what());
            }
            throw;
        }
    }

    /// Throws also `errc::invalid_argument` without a client id, `errc::authentication_failed` if the broker does not take user
    /// and password, `asio::error::connection_refused` while no server has ever listened at the address.
    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        if (client_id_.empty()) {
            throw std::system_error(errc::invalid_argument,
                                    "a client needs a client_id in its RmqConnector, the same each time");
        }
        rabbitmq::Settings settings = settings_on(executor);
        const auto strand = settings.link->strand();
        auto connection =
            std::make_shared<rabbitmq::ClientConnection>(std::move(settings), options, client_id_, last_.get());
        co_return co_await asio::co_spawn(strand, rabbitmq::ClientConnection::connect(std::move(connection)),
                                          asio::use_awaitable);
    }

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        rabbitmq::Settings settings = settings_on(executor);
        const auto strand = settings.link->strand();
        auto listener = std::make_shared<rabbitmq::QueueListener>(std::move(settings), options, dump_state());
        co_await asio::co_spawn(strand, rabbitmq::QueueListener::open(listener), asio::use_awaitable);
        co_return listener;
    }

 private:
    static std::shared_ptr<const rabbitmq::Dialer> tcp_dialer() {
        static const auto dialer = std::make_shared<const rabbitmq::Dialer>(rabbitmq::Dialer{&rabbitmq::dial_tcp});
        return dialer;
    }

    rabbitmq::Settings settings_on(const asio::any_io_executor& executor) const {
        return {rabbitmq::Links::get(executor, url_, options_.dialer),
                exchange_,
                names_,
                options_.keep_alive,
                options_.keep_queues,
                options_.max_message,
                notes_};
    }

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
