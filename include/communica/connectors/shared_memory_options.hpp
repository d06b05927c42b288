// Sizes of shared memory, and the fallback without it.
#pragma once

#include "local_options.hpp"

#include <cstddef>

namespace communica {
/// Options of a `SharedMemoryConnector`.
struct SharedMemoryOptions {
    /// The socket's directory and the accepted peers, as for a `LocalConnector`.
    LocalOptions local = {};
    /// A server also listens at the address of the `LocalConnector` of the name, for clients without shared memory. A
    /// client connects there if it finds no server with shared memory, or if the server refuses its memory.
    bool or_local = false;
    /// Bytes of the ring for each direction; a larger message is written as the peer reads. A ring occupies only as
    /// much memory as was in flight at once, and frees it when idle. Rounded up to a multiple of 4096; from 8 KiB to 1
    /// GiB. The client's value is used.
    std::size_t ring_size = 1024 * 1024;
    /// A server refuses clients with larger rings.
    std::size_t max_ring_size = 16 * 1024 * 1024;
    /// Bytes of lent memory (`lend`) that each side makes for a connection, at most; the smaller value of both sides is
    /// used. Over it, `lend` returns memory of the heap. The system allocates what is written, and gets it back when it
    /// is idle. 0: none; at most 64 GiB.
    std::size_t max_lent = 64 * 1024 * 1024;
    /// Connections of a server that have lent memory at a time. A further one has none, and copies its bodies. A connection
    /// maps at most 129 files, and by default Linux maps at most 65,530 for a process.
    std::size_t max_lending_connections = 256;
};

}  // namespace communica
