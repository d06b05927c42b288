// The clients known to a server.
#pragma once

#include "../lock_order.hpp"
#include "../peer/cancel.hpp"
#include "../peer/operation.hpp"
#include "../peer/peer.hpp"
#include "id_owners.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace communica::entities {

/// A server's clients, connected and absent, by id. Thread-safe.
class Clients {
 public:
    using Make = std::function<std::shared_ptr<peer::Peer>(std::string id)>;

    /// One connection of a client. The destructor removes it from the client.
    class Lease {
     public:
        Lease(Clients& clients, std::shared_ptr<peer::Peer> peer) : clients_(clients), peer_(std::move(peer)) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { clients_.leave(peer_); }  // NOLINT(bugprone-exception-escape): out of memory is fatal here

        const std::shared_ptr<peer::Peer>& peer() const noexcept { return peer_; }

     private:
        Clients& clients_;
        std::shared_ptr<peer::Peer> peer_;
    };

    /// `unassigned` holds requests to any client while none is connected. `make` creates the peer of a new id.
    Clients(std::shared_ptr<peer::Requester> unassigned, std::size_t max_connections, std::size_t max_sessions,
            Make make)
        : unassigned_(std::move(unassigned)),
          max_connections_(max_connections),
          max_sessions_(max_sessions),
          make_(std::move(make)) {}

    /// Returns the client of this id, and creates it if the id is unknown. After `close_all` it returns a closed peer
    /// and creates no client.
    std::shared_ptr<peer::Peer> find_or_expect(const std::string& id) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            auto peer = make_(id);
            peer->close(*closed_);
            return peer;
        }
        return expect(id).peer;
    }

    /// Adds a connection of this client. Throws the reason of a refusal.
    std::unique_ptr<Lease> arrive(const std::string& id, const Credentials& credentials) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            throw MessageError(closed_->code, closed_->text(), {});
        }
        owners_.claim(id, credentials);
        Known& known = expect(id);
        if (known.was_here && !known.user.is_same_user(credentials)) {
            throw MessageError(errc::handshake_failed, "this client id belongs to another user", {});
        }
        if (known.connections == 0 && connected_ >= max_connections_) {
            throw MessageError(errc::handshake_failed, "the server has as many clients as it takes", {});
        }
        known.was_here = true;
        known.user = credentials;
        if (known.connections++ == 0) {
            ++connected_;
            known.since = std::chrono::steady_clock::now();
            std::erase(away_, known.peer);
        }
        return std::make_unique<Lease>(*this, known.peer);
    }

    /// Makes a client available for requests, and hands it the unassigned requests.
    void mark_connected(const std::shared_ptr<peer::Peer>& peer) {
        {
            const std::lock_guard lock(mutex_);
            const auto known = known_.find(peer->id());
            if (known == known_.end() || known->second.peer != peer) {
                return;  // `close_all` was called meanwhile
            }
            if (std::find(present_.begin(), present_.end(), peer) == present_.end()) {
                present_.push_back(peer);
            }
        }
        if (!unassigned_->is_idle()) {
            hand_over(*unassigned_, *peer->requester());
        }
    }

    /// Removes a client that did not reconnect in time. Returns true if it was known and absent.
    bool expire(const std::string& id) {
        std::shared_ptr<peer::Peer> peer;
        {
            const std::lock_guard lock(mutex_);
            const auto found = known_.find(id);
            if (found == known_.end() || found->second.connections != 0) {
                return false;
            }
            peer = std::move(found->second.peer);
            std::erase(away_, peer);
            known_.erase(found);
        }
        peer->close({errc::connection_lost});
        return true;
    }

    /// Removes an absent client and the owner of its id. Returns true if it was known and absent.
    bool forget(const std::string& id) {
        const bool expired = expire(id);
        const std::lock_guard lock(mutex_);
        if (!known_.contains(id)) {
            owners_.release(id);
        }
        return expired;
    }

    /// Returns a random connected client, or the unassigned requests if there is none.
    std::shared_ptr<peer::Requester> any() {
        const std::lock_guard lock(mutex_);
        return present_.empty() ? unassigned_ : any_present()->requester();
    }

    /// Hands the unassigned requests to a connected client, if there is one.
    void dispatch_unassigned() {
        if (unassigned_->is_idle()) {
            return;
        }
        std::shared_ptr<peer::Requester> to;
        {
            const std::lock_guard lock(mutex_);
            if (present_.empty()) {
                return;
            }
            to = any_present()->requester();
        }
        hand_over(*unassigned_, *to);
    }

    std::vector<std::shared_ptr<peer::Peer>> present() const {
        const std::lock_guard lock(mutex_);
        return present_;
    }

    /// A connected client.
    struct Connected {
        std::shared_ptr<peer::Peer> peer;
        Credentials user;
        std::chrono::steady_clock::time_point since;
    };
    /// Returns at most `most` connected clients.
    std::vector<Connected> connected_clients(std::size_t most) const {
        const std::lock_guard lock(mutex_);
        std::vector<Connected> connected_clients;
        for (const auto& [id, known] : known_) {
            if (known.connections != 0 && connected_clients.size() < most) {
                connected_clients.push_back({known.peer, known.user, known.since});
            }
        }
        return connected_clients;
    }
    std::size_t connected() const {
        const std::lock_guard lock(mutex_);
        return connected_;
    }

    /// Returns all clients, including absent ones.
    std::vector<std::shared_ptr<peer::Peer>> all() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::shared_ptr<peer::Peer>> all;
        all.reserve(known_.size());
        for (const auto& [id, entry] : known_) {
            all.push_back(entry.peer);
        }
        return all;
    }

    /// Returns true if any request of the clients is running.
    bool are_at_work() const {
        const auto peers = all();
        return std::any_of(peers.begin(), peers.end(),
                           [](const auto& peer) { return peer->responder().at_work() != 0; });
    }

    void close_all(const Error& reason) {
        KnownById known;
        {
            const std::lock_guard lock(mutex_);
            std::erase_if(leaving_, [](const auto& peer) { return peer.expired(); });
            closed_ = reason.worded();
            known = std::exchange(known_, {});
            for (const auto& [id, entry] : known) {
                leaving_.push_back(entry.peer);
            }
            present_.clear();
            away_.clear();
            connected_ = 0;
        }
        unassigned_->close(reason);
        for (const auto& [id, entry] : known) {
            try {
                entry.peer->close(reason);
            } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; it is closed, and so are the others
            }
        }
    }

    /// After `close_all`: waits until none of their handlers can start any more.
    void wait_for_calls() const {
        std::vector<std::weak_ptr<peer::Peer>> leaving;
        {
            const std::lock_guard lock(mutex_);
            leaving = leaving_;
        }
        for (const auto& peer : leaving) {
            if (const auto alive = peer.lock()) {
                alive->calls().wait();
            }
        }
    }

    /// Accepts requests again after `close_all`.
    void open() {
        {
            const std::lock_guard lock(mutex_);
            closed_.reset();
        }
        unassigned_->open();
    }

 private:
    struct Known {
        std::shared_ptr<peer::Peer> peer;
        std::size_t connections = 0;                       // briefly two, when a new connection replaces an open one
        bool was_here = false;                             // has connected at least once
        Credentials user = {};                             // of its connections, once it has connected
        std::chrono::steady_clock::time_point since = {};  // the time of the current connection
    };
    using KnownById = std::map<std::string, Known>;  // a tree: clients choose the ids, and could make hashes collide

    const std::shared_ptr<peer::Peer>& any_present() {
        std::uniform_int_distribution<std::size_t> index(0, present_.size() - 1);
        return present_[index(random_)];
    }

    /// Removes a connection of this client, which may have another.
    void leave(const std::shared_ptr<peer::Peer>& peer) {
        std::shared_ptr<peer::Peer> forgotten;
        {
            const std::lock_guard lock(mutex_);
            const auto found = known_.find(peer->id());
            if (found == known_.end() || found->second.peer != peer || --found->second.connections != 0) {
                return;  // or `close_all` was called meanwhile
            }
            --connected_;
            std::erase(present_, peer);
            away_.push_back(peer);
            if (away_.size() > max_sessions_) {
                forgotten = std::move(away_.front());
                away_.pop_front();
                known_.erase(forgotten->id());
            }
        }
        if (forgotten) {
            forgotten->close({errc::connection_lost});
        }
    }

    Known& expect(const std::string& id) {
        if (const auto found = known_.find(id); found != known_.end()) {
            return found->second;
        }
        forget_idle();
        if (const std::size_t needed = leaving_.size() + known_.size() + 1; needed > leaving_.capacity()) {
            leaving_.reserve(2 * needed);  // so that `close_all` allocates nothing
        }
        return known_.emplace(id, Known{make_(id)}).first->second;
    }

    /// Removes clients that have never connected and have no pending requests.
    void forget_idle() {
        if (known_.size() >= forget_at_) {
            std::erase_if(known_,
                          [](const auto& entry) { return !entry.second.was_here && entry.second.peer->is_idle(); });
            forget_at_ = std::max<std::size_t>(1000, 2 * known_.size());
        }
    }

    const std::shared_ptr<peer::Requester> unassigned_;
    const std::size_t max_connections_;
    const std::size_t max_sessions_;
    const Make make_;
    mutable base::OrderedMutex<base::LockOrder::clients> mutex_;
    KnownById known_;
    IdOwners owners_;
    std::vector<std::shared_ptr<peer::Peer>> present_;
    std::deque<std::shared_ptr<peer::Peer>> away_;  // absent clients, longest absent first
    std::size_t connected_ = 0;                     // the number of connected clients
    std::size_t forget_at_ = 1000;
    std::minstd_rand random_{std::random_device{}()};
    std::optional<Error> closed_;                     // the reason, between `close_all` and `open`
    std::vector<std::weak_ptr<peer::Peer>> leaving_;  // closed, but may still have connections
};

}  // namespace communica::entities
