// A client's record of its previous connection.
#pragma once

#include <memory>
#include <string>

namespace communica::rabbitmq {

/// The id of a client's last connection, unless that closed in order. Its server may still consider it open.
struct LastConnection {
    std::string connect_id = {};
    bool was_with_ours = false;  ///< with a server of this library
};

/// Not shared by the copies of a connector, which are independent.
class LastConnectionOfOne {
 public:
    LastConnectionOfOne() = default;
    LastConnectionOfOne(const LastConnectionOfOne&) {}
    LastConnectionOfOne& operator=(const LastConnectionOfOne& other) {
        if (this != &other) {
            last_ = std::make_shared<LastConnection>();
        }
        return *this;
    }
    ~LastConnectionOfOne() = default;
    const std::shared_ptr<LastConnection>& get() const noexcept { return last_; }

 private:
    std::shared_ptr<LastConnection> last_ = std::make_shared<LastConnection>();
};

}  // namespace communica::rabbitmq
