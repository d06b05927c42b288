// Who knows, when a request begins, where it goes.
#pragma once

#include "../asio.hpp"
#include "requester.hpp"

#include <memory>

namespace communica::peer {

/// Finds the requester that a handle, or a server's own `request`, stands for: clients come and go.
class RequesterResolver {
 public:
    virtual ~RequesterResolver() = default;
    virtual std::shared_ptr<Requester> find() = 0;
    /// Where completions are called that have no executor of their own.
    virtual asio::any_io_executor executor() const = 0;
    /// Called after a request was started: if it waits for anybody, it goes to whoever has come meanwhile.
    virtual void dispatch_unassigned() {}
};

}  // namespace communica::peer
