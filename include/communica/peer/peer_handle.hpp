// A handle to one peer: returned by `server.client(id)`, and passed to handlers that send requests back.
#pragma once

#include "flush.hpp"
#include "peer.hpp"
#include "requests.hpp"

#include <memory>
#include <string>
#include <utility>

namespace communica {
namespace peer {

/// Resolves to a known peer.
class FixedResolver final : public RequesterResolver {
 public:
    explicit FixedResolver(std::shared_ptr<Requester> requester) : requester_(std::move(requester)) {}
    std::shared_ptr<Requester> find() override { return requester_; }
    asio::any_io_executor executor() const override { return requester_->executor(); }

 private:
    std::shared_ptr<Requester> requester_;
};

template <class S>
class PeerHandle : public Flush<PeerHandle<S>> {
 public:
    PeerHandle(std::shared_ptr<RequesterResolver> source, std::string id, S serializer)
        : source_(std::move(source)), id_(std::move(id)), serializer_(std::move(serializer)) {}

    /// Made by the library for a handler that takes it.
    explicit PeerHandle(const Incoming& incoming)
        requires std::default_initializable<S>
        : PeerHandle(std::make_shared<FixedResolver>(incoming.peer->requester()), incoming.peer->id(), S{}) {}

    /// The client id: the peer's on a server, this side's own on a client.
    const std::string& id() const noexcept { return id_; }
    bool is_connected() const { return source_->find()->is_connected(); }

 protected:
    RequestTarget target() const { return {nullptr, source_}; }
    const S& serializer() const noexcept { return serializer_; }

 private:
    friend Flush<PeerHandle>;

    std::shared_ptr<RequesterResolver> source_;
    std::string id_;
    [[no_unique_address]] S serializer_;
};

}  // namespace peer

/// The peer of a Simple entity. Copyable. Thread-safe, as the entity is.
template <Serializer S = JsonSerializer>
class SimplePeer : public peer::PeerHandle<S>, public SimpleRequests<SimplePeer<S>> {
 public:
    using peer::PeerHandle<S>::PeerHandle;

 private:
    friend class SimpleRequests<SimplePeer>;
};

/// The peer of a Route entity. Copyable. Thread-safe, as the entity is.
template <Serializer S = JsonSerializer>
class RoutePeer : public peer::PeerHandle<S>, public RouteRequests<RoutePeer<S>> {
 public:
    using peer::PeerHandle<S>::PeerHandle;

 private:
    friend class RouteRequests<RoutePeer>;
};

}  // namespace communica
