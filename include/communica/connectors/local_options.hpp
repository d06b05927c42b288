// Where a local socket lies, and who may be at its other end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace communica {

/// Whether a server of no `directory` also listens where the Python library looks, and all users' clients do.
enum class PythonPlace {
    if_free,   ///< unless another user has it
    required,  ///< or does not start: `permission_denied`
    never,
};

/// Where a local socket lies, and whose processes may talk over it.
struct LocalOptions {
    /// The directory of the socket file. Empty: this user's own (`local_directory`), and for a client the Python library's, too. On
    /// Windows, where there is no file, it is a part of the pipe's name.
    std::string directory = {};
    /// POSIX: the users (uids) at the other end. A server closes the connections of others before it reads a byte of
    /// theirs, a client that finds another's server does not talk to it. Empty: this user and root. Where others are named,
    /// the socket lets everybody connect, and its directory has to let them through.
    std::vector<std::int64_t> users = {};
    /// Windows: the same as the users' security identifiers, `S-1-5-21-...`: whom the pipe's access list lets in besides this
    /// user.
    std::vector<std::string> sids = {};
    /// POSIX.
    PythonPlace python_place = PythonPlace::if_free;
};

}  // namespace communica
