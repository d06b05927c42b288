// What a handler can know of its request besides the value.
#pragma once

#include "../separate_compilation.hpp"
#include "../serializers/json.hpp"
#include "peer.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace communica {

/// Passed to a handler that takes a `Context&`. Exists as long as the handler runs.
class Context {
 public:
    /// Made by the library.
    explicit Context(const peer::Incoming& incoming);

    /// The client id: the peer's on a server, this side's own on a client.
    const std::string& client_id() const noexcept { return peer_->id(); }
    /// The peer's credentials, as far as the operating system knows them.
    const Credentials& credentials() const noexcept { return connection_->credentials(); }
    /// The route; empty for Simple entities.
    const std::string& route() const noexcept { return route_; }
    /// True if the requester expects no answer.
    bool is_notification() const noexcept { return is_notification_; }
    /// True if a handler may have received the request before: RabbitMQ redelivers unacknowledged messages.
    bool redelivered() const noexcept { return is_redelivered_; }

    /// When the requester stops waiting; none if it did not say. A coroutine is cancelled then.
    std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept { return deadline_; }
    /// True once the requester has cancelled the request, its deadline has passed, its session is over, or this entity
    /// closes. A coroutine is cancelled then; a function under `on_executor` can poll this. Always false in a handler
    /// that runs directly and is not a coroutine. Thread-safe.
    bool is_cancelled() const noexcept { return call_ && call_->is_cancelled(); }

    /// Identifies the call while it runs: equal in an interceptor and in the handler inside it. Null for a handler that
    /// runs directly and is not a coroutine.
    const void* call_id() const noexcept { return call_.get(); }

    /// The headers of the request (`RequestOptions::headers`).
    std::map<std::string, std::string> headers() const;
    /// The header of this name; none if it was not sent.
    std::optional<std::string> header(const std::string& name) const;

    /// True if the requester wants to hear of the progress of the request (`RequestOptions::on_progress`).
    bool wants_progress() const;
    /// Reports how far the request is to its requester: any value that `JsonSerializer` dumps. Does nothing if the
    /// requester does not want it. Returns false if it was not sent: then, or while the requester is slow, call it
    /// again with a later value. Not thread-safe. Throws `SerializerError`.
    template <class T>
    bool progress(const T& value) const {
        if (!wants_progress()) {
            return false;
        }
        Buffer json;
        codec::dump_part(JsonSerializer(), value, json);
        return send_progress(json);
    }

    /// Returns a buffer of `size` uninitialised bytes for an answer, as `co_await client.lend(size)`.
    Buffer lend(std::size_t size) const { return connection_->lend(size); }

    /// The connection's executor, on which handlers run. Handlers of one connection run one at a time.
    asio::any_io_executor get_executor() const { return connection_->get_executor(); }

 private:
    bool send_progress(Buffer& json) const;

    std::shared_ptr<peer::Peer> peer_;
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<const peer::InflightCall> call_;  // null for a handler that is not a coroutine
    std::string route_;
    std::string headers_;
    std::string id_;  // of a request with headers, if it is plain
    mutable std::optional<bool> wants_progress_;
    std::optional<std::chrono::steady_clock::time_point> deadline_;
    bool is_notification_;
    bool is_redelivered_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "context.ipp"
#endif
