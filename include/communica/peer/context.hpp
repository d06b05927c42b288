// What a handler may know about the request besides its value.
#pragma once

#include "../separate_compilation.hpp"
#include "peer.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace communica {

/// Given to a handler that takes a `Context&`; lives as long as the handler runs.
class Context {
 public:
    /// Made by the library.
    explicit Context(const peer::Incoming& incoming);

    /// The client id: of the other side on a server, of this side on a client.
    const std::string& client_id() const noexcept { return peer_->id(); }
    /// Who connected, as far as the operating system knows.
    const Credentials& credentials() const noexcept { return connection_->credentials(); }
    /// The route; empty for Simple entities.
    const std::string& route() const noexcept { return route_; }
    /// Nobody waits for an answer.
    bool is_notification() const noexcept { return is_notification_; }
    /// It may have been handed to a handler before: RabbitMQ hands out again what was not acknowledged.
    bool redelivered() const noexcept { return is_redelivered_; }

    /// Until when the requester waits, if it said so. A coroutine is cancelled then.
    std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept { return deadline_; }
    /// The requester has gone: it cancelled, its deadline passed, or its session is over. A coroutine is cancelled then;
    /// what runs elsewhere (`on_executor`) may look here. From any thread.
    bool is_cancelled() const noexcept { return call_ && call_->is_cancelled(); }

    /// The texts that came with the request (`RequestOptions::headers`).
    std::map<std::string, std::string> headers() const;
    /// One of them.
    std::optional<std::string> header(const std::string& name) const;

    /// Where the handler runs: handlers of one connection run one at a time.
    asio::any_io_executor get_executor() const { return connection_->get_executor(); }

 private:
    std::shared_ptr<peer::Peer> peer_;
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<const peer::InflightCall> call_;  // null for a handler that is no coroutine
    std::string route_;
    std::string headers_;
    std::optional<std::chrono::steady_clock::time_point> deadline_;
    bool is_notification_;
    bool is_redelivered_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "context.ipp"
#endif
