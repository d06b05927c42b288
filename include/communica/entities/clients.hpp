// The clients that a server knows.
#pragma once

#include "../peer/cancel.hpp"
#include "../peer/operation.hpp"
#include "../peer/peer.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace communica::entities {

/// A server's clients, present and absent, by id. Thread-safe.
class Clients {
 public:
    using Make = std::function<std::shared_ptr<peer::Peer>(std::string id)>;

    /// `nobody` keeps what was asked of any client while there is none; `make` makes the peer of a new id.
    Clients(std::shared_ptr<peer::Peer> nobody, Make make) : nobody_(std::move(nobody)), make_(std::move(make)) {}

    /// The client of this id; one that was never here is expected from now on. After `close_all` nobody is, and the
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

    /// A connection of this client begins. What waited for any client goes to it. Throws after `close_all`.
    std::shared_ptr<peer::Peer> arrive(const std::string& id) {
        std::shared_ptr<peer::Peer> peer;
        {
            const std::lock_guard lock(mutex_);
            if (closed_) {
                throw std::system_error(closed_->code);
            }
            Known& known = expect(id);
            peer = known.peer;
            if (known.connections++ == 0) {
                present_.push_back(peer);
            }
        }
        hand_over(*nobody_, *peer);
        return peer;
    }

    /// A connection of this client has ended, maybe not its last.
    void leave(const std::shared_ptr<peer::Peer>& peer) {
        const std::lock_guard lock(mutex_);
        const auto found = known_.find(peer->id());
        if (found != known_.end() && found->second.peer == peer && --found->second.connections == 0) {
            std::erase(present_, peer);
        }
    }

    /// A client did not come back in time.
    void expire(const std::string& id) {
        std::shared_ptr<peer::Peer> peer;
        {
            const std::lock_guard lock(mutex_);
            const auto found = known_.find(id);
            if (found == known_.end() || found->second.connections != 0) {
                return;
            }
            peer = std::move(found->second.peer);
            known_.erase(found);
        }
        peer->close({errc::connection_lost});
    }

    /// Any client that is connected, or the place where requests wait for the first.
    std::shared_ptr<peer::Peer> any() {
        const std::lock_guard lock(mutex_);
        return present_.empty() ? nobody_ : any_present();
    }

    /// What waits for any client goes to one that has come.
    void settle() {
        std::shared_ptr<peer::Peer> to;
        {
            const std::lock_guard lock(mutex_);
            if (present_.empty()) {
                return;
            }
            to = any_present();
        }
        hand_over(*nobody_, *to);
    }

    std::vector<std::shared_ptr<peer::Peer>> present() const {
        const std::lock_guard lock(mutex_);
        return present_;
    }

    void close_all(const Error& reason) {
        std::unordered_map<std::string, Known> known;
        {
            const std::lock_guard lock(mutex_);
            closed_ = reason;
            known = std::exchange(known_, {});
            present_.clear();
        }
        nobody_->close(reason);
        for (const auto& [id, entry] : known) {
            entry.peer->close(reason);
        }
    }

    /// Lets requests in again after `close_all`.
    void open() {
        {
            const std::lock_guard lock(mutex_);
            closed_.reset();
        }
        nobody_->open();
    }

 private:
    struct Known {
        std::shared_ptr<peer::Peer> peer;
        std::size_t connections = 0;  // two for a moment, when a new one replaces one that is live
    };

    const std::shared_ptr<peer::Peer>& any_present() {
        std::uniform_int_distribution<std::size_t> index(0, present_.size() - 1);
        return present_[index(random_)];
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
            std::erase_if(known_, [](const auto& entry) {
                return entry.second.connections == 0 && entry.second.peer->is_idle();
            });
            forget_at_ = std::max<std::size_t>(1000, 2 * known_.size());
        }
    }

    const std::shared_ptr<peer::Peer> nobody_;
    const Make make_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Known> known_;
    std::vector<std::shared_ptr<peer::Peer>> present_;
    std::size_t forget_at_ = 1000;
    std::minstd_rand random_{std::random_device{}()};
    std::optional<Error> closed_;  // why, between `close_all` and `open`
};

}  // namespace communica::entities
