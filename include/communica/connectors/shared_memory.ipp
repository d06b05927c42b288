#pragma once

#include "detail/local_name.hpp"
#include "detail/local_platform.hpp"
#include "shared_memory.hpp"
#include "shared_memory/platform.hpp"

#include <cstddef>
#include <system_error>
#include <utility>

namespace communica {

namespace detail {

using SharedMemoryConnection = stream::StreamConnection<SharedStream>;

/// For `MakeLocalConnection`.
struct MakeSharedMemoryConnection {
    SharedStream::Side side;
    SharedMemoryOptions options;

    std::shared_ptr<Connection> operator()(Socket socket, const Credentials& credentials,
                                           const ConnectionOptions& connection) const {
        return std::make_shared<SharedMemoryConnection>(SharedStream(std::move(socket), side, options), credentials,
                                                        connection);
    }
};

/// The size in whole pages. Throws `errc::invalid_argument` for what can't be.
inline std::size_t ring_size_of(std::size_t asked) {
    if (asked < SharedPages::least_ring || asked > SharedPages::largest_ring) {
        throw std::system_error(errc::invalid_argument, "a ring in shared memory has from 8 KiB to 1 GiB, not " +
                                                            std::to_string(asked) + " bytes");
    }
    return (asked + SharedPages::page - 1) / SharedPages::page * SharedPages::page;
}

inline LocalAddress shared_memory_address(const std::string& name, const LocalOptions& options) {
    return {name + ".shm", options};
}

}  // namespace detail

COMMUNICA_INLINE SharedMemoryConnector::SharedMemoryConnector(std::string name, SharedMemoryOptions options)
    : name_(detail::local_name(std::move(name))), options_(std::move(options)) {
    options_.local.python_place = PythonPlace::never;
    options_.ring_size = detail::ring_size_of(options_.ring_size);
    (void)detail::shared_memory_address(name_, options_.local);  // throws where there can be none
}

COMMUNICA_INLINE std::string SharedMemoryConnector::address() const {
    return detail::shared_memory_address(name_, options_.local).text();
}

COMMUNICA_INLINE std::string SharedMemoryConnector::dump_state() const {
    const SharedMemoryOptions defaults;
    LocalOptions local = options_.local;
    local.python_place = defaults.local.python_place;
    std::string state = "{\"type\": \"SharedMemoryConnector\", \"name\": " + detail::quote_ascii(name_);
    state += detail::dump_local_options(local);
    if (options_.ring_size != defaults.ring_size) {
        state += ", \"ring_size\": " + std::to_string(options_.ring_size);
    }
    if (options_.max_ring_size != defaults.max_ring_size) {
        state += ", \"max_ring_size\": " + std::to_string(options_.max_ring_size);
    }
    return state + "}";
}

COMMUNICA_INLINE SharedMemoryConnector SharedMemoryConnector::load_state(const std::string& text) {
    const detail::ConnectorState state(text, "SharedMemoryConnector");
    const SharedMemoryOptions defaults;
    return SharedMemoryConnector(state.get<std::string>("name"),
                                 {.local = detail::load_local_options(state),
                                  .ring_size = state.get_or("ring_size", defaults.ring_size),
                                  .max_ring_size = state.get_or("max_ring_size", defaults.max_ring_size)});
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> SharedMemoryConnector::connect(
    asio::any_io_executor executor, ConnectionOptions options) const {
    const detail::MakeSharedMemoryConnection make{detail::SharedStream::Side::client, options_};
    return detail::connect_local(detail::shared_memory_address(name_, options_.local), std::move(executor),
                                 std::move(options), make);
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> SharedMemoryConnector::listen(
    asio::any_io_executor executor, ConnectionOptions options) const {
    const detail::MakeSharedMemoryConnection make{detail::SharedStream::Side::server, options_};
    return detail::listen_local(detail::shared_memory_address(name_, options_.local), dump_state(), std::move(executor),
                                std::move(options), make);
}

}  // namespace communica
