// Records which user owns a client id.
#pragma once

#include "../connection.hpp"
#include "../error.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <map>
#include <string>

namespace communica::entities {

/// A client id belongs to the first user, or certificate subject, that claims it, until the server is destroyed. Each
/// owner keeps its `max_of_one` last claimed ids. With `max_of_all` ids, the owner with the most loses its oldest. Not
/// thread-safe.
class IdOwners {
 public:
    static constexpr std::size_t max_of_one = 1024;
    static constexpr std::size_t max_of_all = 16'384;

    /// Claims an id. Throws `errc::handshake_failed` if another user owns it. A client without credentials owns no id.
    void claim(const std::string& id, const Credentials& who) {
        const std::string user = name_of(who);
        if (const auto known = owners_.find(id); known != owners_.end()) {
            if (known->second.user->first != user) {
                throw MessageError(errc::handshake_failed, "this client id belongs to another user", {});
            }
            Ids& ids = known->second.user->second;
            ids.splice(ids.end(), ids, known->second.place);
            return;
        }
        if (user.empty()) {
            return;
        }
        Ids added(1);
        const auto owner = users_.try_emplace(user).first;
        if (owner->second.size() == max_of_one) {
            forget_oldest(owner);
        } else if (owners_.size() == max_of_all) {
            make_room_for(owner);
        }
        added.front() = &owners_.emplace(id, Owner{owner, added.begin()}).first->first;
        owner->second.splice(owner->second.end(), added);
    }

    /// Removes the owner of an id.
    void release(const std::string& id) {
        const auto known = owners_.find(id);
        if (known == owners_.end()) {
            return;
        }
        const Users::iterator user = known->second.user;
        user->second.erase(known->second.place);
        owners_.erase(known);
        if (user->second.empty()) {
            users_.erase(user);
        }
    }

 private:
    using Ids = std::list<const std::string*>;  // the keys of `owners_`, claimed longest ago first
    using Users = std::map<std::string, Ids>;
    struct Owner {
        Users::iterator user;
        Ids::iterator place;
    };

    /// Returns a key for the credentials; empty if there are none.
    static std::string name_of(const Credentials& who) {
        std::string name;
        if (who.uid) {
            name += "uid " + std::to_string(*who.uid) + '\0';
        }
        if (who.sid) {
            name += "sid " + *who.sid + '\0';
        }
        if (who.subject) {
            name += "subject " + *who.subject + '\0';
        }
        return name;
    }

    void forget_oldest(Users::iterator user) {
        const std::string* const oldest = user->second.front();
        user->second.pop_front();
        owners_.erase(owners_.find(*oldest));
    }

    /// Removes the oldest id of the user that has the most. Throws if no user has more than one.
    void make_room_for(Users::iterator newcomer) {
        const auto most = std::max_element(users_.begin(), users_.end(), [](const auto& a, const auto& b) {
            return a.second.size() < b.second.size();
        });
        if (most->second.size() > 1) {
            return forget_oldest(most);
        }
        if (newcomer->second.empty()) {
            users_.erase(newcomer);
        }
        throw MessageError(errc::handshake_failed, "the server knows as many users as it can remember", {});
    }

    std::map<std::string, Owner> owners_;  // by id
    Users users_;
};

}  // namespace communica::entities
