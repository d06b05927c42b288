// Selects the client that a request of a server goes to.
#pragma once

#include "../peer/requester_resolver.hpp"
#include "clients.hpp"

#include <memory>
#include <string>
#include <utility>

namespace communica::entities {

/// Finds requesters among a server's clients. Holds only a weak reference to them, because a handler may own a handle.
/// After the end of the server every request ends with `errc::closed`.
class ClientResolver : public peer::RequesterResolver {
 public:
    ClientResolver(const std::shared_ptr<Clients>& clients, asio::any_io_executor executor)
        : clients_(clients), executor_(std::move(executor)) {}

    std::shared_ptr<peer::Requester> find() final {
        if (const auto clients = clients_.lock()) {
            return find_in(*clients);
        }
        auto closed = std::make_shared<peer::Requester>(executor_, 0);
        closed->close({errc::closed});
        return closed;
    }
    asio::any_io_executor executor() const final { return executor_; }

 protected:
    virtual std::shared_ptr<peer::Requester> find_in(Clients& clients) = 0;
    std::shared_ptr<Clients> clients() const { return clients_.lock(); }

 private:
    const std::weak_ptr<Clients> clients_;
    const asio::any_io_executor executor_;
};

/// Selects any client that is connected at the time of the request.
class AnyClient final : public ClientResolver {
 public:
    using ClientResolver::ClientResolver;
    void dispatch_unassigned() override {
        if (const auto alive = clients()) {
            alive->dispatch_unassigned();
        }
    }

 private:
    std::shared_ptr<peer::Requester> find_in(Clients& clients) override { return clients.any(); }
};

/// Selects the client that has the id at the time of the request.
class ClientById final : public ClientResolver {
 public:
    ClientById(const std::shared_ptr<Clients>& clients, asio::any_io_executor executor, std::string id)
        : ClientResolver(clients, std::move(executor)), id_(std::move(id)) {}

 private:
    std::shared_ptr<peer::Requester> find_in(Clients& clients) override {
        return clients.find_or_expect(id_)->requester();
    }
    const std::string id_;
};

}  // namespace communica::entities
