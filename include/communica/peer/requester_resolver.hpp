// Finds the requester of a request when it starts.
#pragma once

#include "../asio.hpp"
#include "requester.hpp"

#include <memory>

namespace communica::peer {

/// Finds the requester of a handle, or of a server's own `request`: clients connect and disconnect.
class RequesterResolver {
 public:
    virtual ~RequesterResolver() = default;
    virtual std::shared_ptr<Requester> find() = 0;
    /// The executor of completions that have none of their own.
    virtual asio::any_io_executor executor() const = 0;
    /// Called after a request was started. Sends requests that wait for any client to a client that has connected
    /// meanwhile.
    virtual void dispatch_unassigned() {}
};

}  // namespace communica::peer
