#pragma once

#include "detail/state.hpp"
#include "rabbitmq.hpp"
#include "rabbitmq/client_connection.hpp"
#include "rabbitmq/dial_tcp.hpp"
#include "rabbitmq/listener.hpp"

#include <system_error>
#include <utility>

namespace communica {

namespace rabbitmq {

inline std::shared_ptr<const Dialer> tcp_dialer() {
    static const auto dialer = std::make_shared<const Dialer>(Dialer{&dial_tcp});
    return dialer;
}

}  // namespace rabbitmq

COMMUNICA_INLINE RmqConnector::RmqConnector(const std::string& url, std::string address, std::string client_id,
                                            std::string exchange_name, RmqOptions options)
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
        options_.dialer = rabbitmq::tcp_dialer();
    }
}

COMMUNICA_INLINE std::string RmqConnector::dump_state() const {
    return R"({"type": "RABBITMQ", "url": )" + detail::quote_ascii(url_text_) + R"(, "address": )" +
           detail::quote_ascii(names_.address) + R"(, "client_id": )" +
           (client_id_.empty() ? "null" : detail::quote_ascii(client_id_)) + R"(, "exchange_name": )" +
           detail::quote_ascii(exchange_) + "}";
}

COMMUNICA_INLINE RmqConnector RmqConnector::load_state(const std::string& text, std::string client_id,
                                                       RmqOptions options) {
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

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> RmqConnector::connect(asio::any_io_executor executor,
                                                                                    ConnectionOptions options) const {
    if (client_id_.empty()) {
        throw std::system_error(errc::invalid_argument,
                                "a client needs a client_id in its RmqConnector, the same each time");
    }
    rabbitmq::Settings settings = settings_on(executor);
    const auto strand = settings.link->strand();
    auto connection =
        std::make_shared<rabbitmq::ClientConnection>(std::move(settings), options, client_id_, last_.get());
    co_return co_await base::spawn_on(strand, rabbitmq::ClientConnection::connect(std::move(connection)),
                                      asio::use_awaitable);
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> RmqConnector::listen(asio::any_io_executor executor,
                                                                                 ConnectionOptions options) const {
    rabbitmq::Settings settings = settings_on(executor);
    const auto strand = settings.link->strand();
    auto listener = std::make_shared<rabbitmq::QueueListener>(std::move(settings), options, dump_state());
    co_await base::spawn_on(strand, rabbitmq::QueueListener::open(listener), asio::use_awaitable);
    co_return listener;
}

COMMUNICA_INLINE rabbitmq::Settings RmqConnector::settings_on(const asio::any_io_executor& executor) const {
    return {rabbitmq::Links::get(executor, url_, options_.dialer),
            exchange_,
            names_,
            options_.keep_alive,
            options_.keep_queues,
            options_.max_message,
            notes_};
}

}  // namespace communica
