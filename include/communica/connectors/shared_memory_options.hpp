// How much memory a connection shares.
#pragma once

#include "local_options.hpp"

#include <cstddef>

namespace communica {
/// Where two sides meet, and how much they share.
struct SharedMemoryOptions {
    /// Where the two sides meet, and who may: as of a `LocalConnector`.
    LocalOptions local = {};
    /// A server also listens where the `LocalConnector` of the name looks, for those who share no memory. A client that finds no server of shared
    /// memory, or none that takes its memory, connects there.
    bool or_local = false;
    /// Bytes of the ring in each direction; what does not fit is written as the other side reads. A ring takes no more memory than was
    /// on its way at once, and gives it back when nothing is. Rounded up to a multiple of 4096; from 8 KiB to 1 GiB. The client's counts.
    std::size_t ring_size = 1024 * 1024;
    /// A server refuses clients with larger rings.
    std::size_t max_ring_size = 16 * 1024 * 1024;
};

}  // namespace communica
