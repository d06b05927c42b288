// The directory of a local socket, and its accepted peers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace communica {

/// Whether a server without `directory` also listens at the Python library's address, where all users' clients look.
enum class PythonPlace {
    if_free,   ///< unless another user has it
    required,  ///< the server fails with `permission_denied` if another user has it
    never,
};

/// The directory of a local socket, and the users that may connect.
struct LocalOptions {
    /// The directory of the socket file. Empty: this user's own (`local_directory`), and for a client also the Python
    /// library's. Windows: a part of the pipe's name, because there is no file.
    std::string directory = {};
    /// POSIX: the users (uids) accepted as peers. A server closes connections of other users before it reads from them,
    /// and a client does not use a server of another user. Empty: this user and root; a client that runs as root also
    /// uses the server of the user who owns `directory`. If other users are named, every user can connect to the
    /// socket file, and its directory must let them through.
    std::vector<std::int64_t> users = {};
    /// Windows: the same by security identifiers, `S-1-5-21-...`. The pipe's access list allows them besides this user.
    std::vector<std::string> sids = {};
    /// POSIX: whether a server also listens at the Python library's address.
    PythonPlace python_place = PythonPlace::if_free;
};

}  // namespace communica
