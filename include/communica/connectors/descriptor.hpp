// A connection over an existing descriptor: one end of a socketpair, or a descriptor inherited from the parent.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace communica {
/// Which peers are accepted.
struct DescriptorOptions {
    /// POSIX: the users (uids) whose connections a listening local socket accepts. Empty: this user and root.
    std::vector<std::int64_t> users = {};
};

/// Uses the stream socket `descriptor`, and owns it. Copies share it; the last one closes it if it was not used. The
/// descriptor is made close-on-exec. It is one of two:
///
/// - One end of a connection. It serves one connection, as client (`connect`) or server (`listen` accepts it once).
/// - POSIX: a local or TCP socket that another process has bound and that listens, such as one passed by a service
///   manager (`activated_sockets`). A started server accepts connections from it until the server is closed.
///
/// On Windows it is the handle of one end of a connected pipe, opened with `FILE_FLAG_OVERLAPPED`. (Handles have 32
/// bits there: Microsoft, "Interprocess Communication Between 32-bit and 64-bit Applications".)
///
/// A parent that passes one end of a `socketpair` to a child leaves that end inheritable, and passes `dump_state()`. The
/// state of a temporary connector leaves the descriptor open, and to its reader.
///
/// Errors: `connect` and `listen` fail with `errc::invalid_argument` if it is neither.
class DescriptorConnector {
 public:
    explicit DescriptorConnector(int descriptor, DescriptorOptions options = {});

    std::string address() const;
    /// True for one end of a connection: its client or server stops when the connection has ended.
    bool serves_once() const noexcept;

    /// `{"type": "DescriptorConnector", "descriptor": 3}`
    std::string dump_state() const&;
    /// The same. The last copy does not close the descriptor, so that the state names an open one.
    std::string dump_state() &&;
    static DescriptorConnector load_state(const std::string& text);

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    struct State;
    class OneListener;

    std::shared_ptr<State> state_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "descriptor.ipp"
#endif
