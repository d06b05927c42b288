// The clients that a server knows.
#pragma once

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

/// A server's clients, present and absent, by id. Thread-safe.
class Clients {
 public:
    using Make = std::function<std::shared_ptr<peer::Peer>(std::string id)>;

    /// One connection of a client: it leaves when this is destroyed.
    class Lease {
     public:
        Lease(Clients& clients, std::shared_ptr<peer::Peer> peer) : clients_(clients), peer_(std::move(peer)) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { clients_.leave(peer_); }  // NOLINT(bugprone-exception-escape): without memory there is no way on

        const std::shared_ptr<peer::Peer>& peer() const noexcept { return peer_; }

     private:
        Clients& clients_;
        std::shared_ptr<peer::Peer> peer_;
    };

    /// `unassigned` keeps what was asked of any client while there is none; `make` makes the peer of a new id.
    Clients(std::shared_ptr<peer::Requester> unassigned, std::size_t max_connections, std::size_t max_sessions,
            Make make)
        : unassigned_(std::move(unassigned)),
          max_connections_(max_connections),
          max_sessions_(max_sessions),
          make_(std::move(make)) {}

    /// The client of this id; one that was never here is expected from now on. After `close_all` unassigned is, and the
    /// peer is a closed one.
    std::shared_ptr<peer::Peer> find_or_expect(const std::string& id) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            auto peer = make_(id);
            peer->close(*closed_);
            return peer;
        }
        return expect(id).peer;
    }

    /// Somebody says to be this client. Throws the reason if it can't come in.
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

    /// It can be asked from now on. What waited for any client goes to it.
    void mark_connected(const std::shared_ptr<peer::Peer>& peer) {
        {
            const std::lock_guard lock(mutex_);
            const auto known = known_.find(peer->id());
            if (known == known_.end() || known->second.peer != peer) {
                return;  // everybody was sent away meanwhile
            }
            if (std::find(present_.begin(), present_.end(), peer) == present_.end()) {
                present_.push_back(peer);
            }
        }
        if (!unassigned_->is_idle()) {
            hand_over(*unassigned_, *peer->requester());
        }
    }

    /// A client did not come back in time. Says whether it was known, and away.
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

    /// A client that won't come back: its id is anybody's. Says whether it was known, and away.
    bool forget(const std::string& id) {
        const bool expired = expire(id);
        const std::lock_guard lock(mutex_);
        if (!known_.contains(id)) {
            owners_.release(id);
        }
        return expired;
    }

    /// Any client that is connected, or the place where requests wait for the first.
    std::shared_ptr<peer::Requester> any() {
        const std::lock_guard lock(mutex_);
        return present_.empty() ? unassigned_ : any_present()->requester();
    }

    /// What waits for any client goes to one that has come.
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

    /// A client that is connected.
    struct Connected {
        std::shared_ptr<peer::Peer> peer;
        Credentials user;
        std::chrono::steady_clock::time_point since;
    };
    /// So many of them at the most.
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

    /// Those that are away, too.
    std::vector<std::shared_ptr<peer::Peer>> all() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::shared_ptr<peer::Peer>> all;
        all.reserve(known_.size());
        for (const auto& [id, entry] : known_) {
            all.push_back(entry.peer);
        }
        return all;
    }

    /// Is any request of theirs at work?
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
            leaving_.reserve(leaving_.size() + known_.size());  // before anything has changed
            closed_ = reason;
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
            } catch (...) {  // NOLINT(bugprone-empty-catch): for want of memory; it is closed, and so are the others
            }
        }
    }

    /// After `close_all`: until none of their handlers can start any more.
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

    /// Lets requests in again after `close_all`.
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
        std::size_t connections = 0;  // two for a moment, when a new one replaces one that is live
        bool was_here = false;
        Credentials user = {};                             // whose it is, once it was here
        std::chrono::steady_clock::time_point since = {};  // it is connected
    };
    using KnownById = std::map<std::string, Known>;  // a tree: the ids are others' to choose, and can't collide in it

    const std::shared_ptr<peer::Peer>& any_present() {
        std::uniform_int_distribution<std::size_t> index(0, present_.size() - 1);
        return present_[index(random_)];
    }

    /// A connection of this client has ended, maybe not its last.
    void leave(const std::shared_ptr<peer::Peer>& peer) {
        std::shared_ptr<peer::Peer> forgotten;
        {
            const std::lock_guard lock(mutex_);
            const auto found = known_.find(peer->id());
            if (found == known_.end() || found->second.peer != peer || --found->second.connections != 0) {
                return;  // or everybody was sent away meanwhile
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
        return known_.emplace(id, Known{make_(id)}).first->second;
    }

    /// Clients that were asked for, never came, and are waited for no more.
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
    mutable std::mutex mutex_;
    KnownById known_;
    IdOwners owners_;
    std::vector<std::shared_ptr<peer::Peer>> present_;
    std::deque<std::shared_ptr<peer::Peer>> away_;  // that were here, longest away first
    std::size_t connected_ = 0;                     // of the known
    std::size_t forget_at_ = 1000;
    std::minstd_rand random_{std::random_device{}()};
    std::optional<Error> closed_;                     // why, between `close_all` and `open`
    std::vector<std::weak_ptr<peer::Peer>> leaving_;  // that were sent away, and may still have connections
};

}  // namespace communica::entities
