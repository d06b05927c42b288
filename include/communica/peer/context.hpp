// What a handler may know about the request besides its value.
#pragma once

#include "peer.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

/// Given to a handler that takes a `Context&`; lives as long as the handler runs.
class Context {
 public:
    /// Made by the library.
    explicit Context(const peer::Incoming& incoming)
        : peer_(incoming.peer),
          connection_(incoming.connection),
          route_(incoming.metadata.route.value_or("")),
          is_notification_(!incoming.metadata.wants_answer()) {}

    /// The client id: of the other side on a server, of this side on a client.
    const std::string& client_id() const noexcept { return peer_->id(); }
    /// Who connected, as far as the operating system knows.
    const Credentials& credentials() const noexcept { return connection_->credentials(); }
    /// The route; empty for Simple entities.
    const std::string& route() const noexcept { return route_; }
    /// Nobody waits for an answer.
    bool is_notification() const noexcept { return is_notification_; }
    /// Where the handler runs: handlers of one connection run one at a time.
    asio::any_io_executor get_executor() const { return connection_->get_executor(); }

 private:
    std::shared_ptr<peer::Peer> peer_;
    std::shared_ptr<Connection> connection_;
    std::string route_;
    bool is_notification_;
};

}  // namespace communica
