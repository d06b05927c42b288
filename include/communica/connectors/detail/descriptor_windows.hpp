// Adopts handles of pipes that exist already.
#pragma once

#include "../../connection.hpp"
#include "../../connector.hpp"
#include "../../error.hpp"
#include "pipes_windows.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace communica::detail {

/// A pipe's handle never listens.
inline bool is_listening(int) noexcept { return false; }

/// Makes a connection from one end of a connected pipe.
inline std::shared_ptr<Connection> adopt_descriptor(int descriptor, const asio::any_io_executor& executor,
                                                    const ConnectionOptions& options) {
    OwnedHandle handle(reinterpret_cast<::HANDLE>(static_cast<std::intptr_t>(descriptor)));
    ::SetHandleInformation(handle.get(), HANDLE_FLAG_INHERIT, 0);
    Pipe pipe(executor, std::move(handle));
    return std::make_shared<PipeConnection>(std::move(pipe), Credentials{}, options);
}

inline void close_descriptor(int descriptor) noexcept {
    ::CloseHandle(reinterpret_cast<::HANDLE>(static_cast<std::intptr_t>(descriptor)));
}

inline std::shared_ptr<Listener> adopt_listening(int descriptor, const std::string&, const std::vector<std::int64_t>&,
                                                 const asio::any_io_executor&, const ConnectionOptions&) {
    throw std::system_error(errc::invalid_argument, "handle " + std::to_string(descriptor) + " does not listen");
}

}  // namespace communica::detail
