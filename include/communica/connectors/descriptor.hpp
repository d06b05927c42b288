// A connection over a descriptor that exists already: one end of a socketpair, or one inherited from a parent.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace communica {
/// Who may be at the other end.
struct DescriptorOptions {
    /// POSIX: the users (uids) whose connections a local socket that listens takes. Empty: this user's and root's.
    std::vector<std::int64_t> users = {};
};

/// The stream socket behind `descriptor`, which becomes this connector's; its copies share it, and the last one closes it if it was not used.
/// The descriptor is made close-on-exec. It is one of two:
///
/// - One end of a connection. It serves one, as client (`connect`) or server (`listen` accepts it once).
/// - POSIX: a local or TCP socket that listens, bound by another process, as a service manager hands it over (`activated_sockets`). A server
///   accepts at it, once it is started, until it is closed.
///
/// Connecting or listening fails with `errc::invalid_argument` if it is neither.
///
/// On Windows it is the handle of one end of a connected pipe, opened with `FILE_FLAG_OVERLAPPED`. (Handles have 32 bits
/// there: Microsoft, "Interprocess Communication Between 32-bit and 64-bit Applications".)
///
/// A parent that hands an end of a `socketpair` to its child leaves that end inheritable, and passes `dump_state()`.
class DescriptorConnector {
 public:
    explicit DescriptorConnector(int descriptor, DescriptorOptions options = {});

    std::string address() const;
    /// A client or server of one end stops when its connection has ended.
    bool serves_once() const noexcept;

    /// `{"type": "DescriptorConnector", "descriptor": 3}`
    std::string dump_state() const;
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
