#pragma once

#include "../asio/local.hpp"
#include "detail/local_name.hpp"
#include "detail/local_platform.hpp"
#include "shared_memory.hpp"
#include "shared_memory/platform.hpp"

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace communica {

namespace detail {

using SharedMemoryConnection = stream::StreamConnection<SharedStream>;

/// The suffix of the names of local sockets for shared memory.
inline constexpr std::string_view shared_memory_ending = ".shm";

/// Was it accepted at a socket for shared memory?
inline bool is_of_shared_memory(const Socket& socket) {
    const auto bound = socket.local_endpoint();
    asio::local::stream_protocol::endpoint local;
    local.resize(bound.size());
    std::memcpy(local.data(), bound.data(), bound.size());
    return local.path().ends_with(std::string(shared_memory_ending) + ".sock");
}

/// Makes the connections, as a `MakeLocalConnection`.
struct MakeSharedMemoryConnection {
    SharedStream::Side side;
    SharedMemoryOptions options;
    std::shared_ptr<LendingPlaces> places = nullptr;  // of a server

    std::shared_ptr<Connection> operator()(Socket socket, const Credentials& credentials,
                                           const ConnectionOptions& connection) const {
        if (options.or_local && side == SharedStream::Side::server && !is_of_shared_memory(socket)) {
            return make_socket_connection(std::move(socket), credentials, connection);
        }
        return std::make_shared<SharedMemoryConnection>(
            SharedStream(std::move(socket), side, options, places ? places->take() : nullptr), credentials, connection);
    }
};

/// Runs the handshake before the first byte, so that a client can fall back if the server refuses the memory.
inline asio::awaitable<void> share_memory(std::shared_ptr<Connection> connection) {
    co_await static_cast<SharedMemoryConnection&>(*connection).open();
}

/// Rounds up to whole pages. Throws `errc::invalid_argument` for a size out of range.
inline std::size_t ring_size_of(std::size_t asked) {
    if (asked < SharedPages::least_ring || asked > SharedPages::largest_ring) {
        throw std::system_error(errc::invalid_argument, "a ring in shared memory has from 8 KiB to 1 GiB, not " +
                                                            std::to_string(asked) + " bytes");
    }
    return (asked + SharedPages::page - 1) / SharedPages::page * SharedPages::page;
}

inline LocalAddress shared_memory_address(const std::string& name, LocalOptions options) {
    options.python_place = PythonPlace::never;  // the Python library has no shared memory
    return {name + std::string(shared_memory_ending), options};
}

}  // namespace detail

COMMUNICA_INLINE SharedMemoryConnector::SharedMemoryConnector(std::string name, SharedMemoryOptions options)
    : name_(detail::local_name(std::move(name))), options_(std::move(options)) {
    options_.ring_size = detail::ring_size_of(options_.ring_size);
    if (options_.max_lent > detail::LentSegments::largest_total) {
        throw std::system_error(errc::invalid_argument, "more than 64 GiB of lent memory");
    }
    (void)detail::shared_memory_address(name_, options_.local);  // throws if the address is invalid
}

COMMUNICA_INLINE std::string SharedMemoryConnector::address() const {
    return detail::shared_memory_address(name_, options_.local).text();
}

COMMUNICA_INLINE std::string SharedMemoryConnector::dump_state() const {
    const SharedMemoryOptions defaults;
    std::string state = "{\"type\": \"SharedMemoryConnector\", \"name\": " + detail::quote_ascii(name_);
    state += detail::dump_local_options(options_.local);
    if (options_.or_local) {
        state += ", \"or_local\": true";
    }
    if (options_.ring_size != defaults.ring_size) {
        state += ", \"ring_size\": " + std::to_string(options_.ring_size);
    }
    if (options_.max_ring_size != defaults.max_ring_size) {
        state += ", \"max_ring_size\": " + std::to_string(options_.max_ring_size);
    }
    if (options_.max_lent != defaults.max_lent) {
        state += ", \"max_lent\": " + std::to_string(options_.max_lent);
    }
    if (options_.max_lending_connections != defaults.max_lending_connections) {
        state += ", \"max_lending_connections\": " + std::to_string(options_.max_lending_connections);
    }
    return state + "}";
}

COMMUNICA_INLINE SharedMemoryConnector SharedMemoryConnector::load_state(const std::string& text) {
    const detail::ConnectorState state(text, "SharedMemoryConnector");
    const SharedMemoryOptions defaults;
    return SharedMemoryConnector(
        state.get<std::string>("name"),
        {.local = detail::load_local_options(state),
         .or_local = state.get_or("or_local", defaults.or_local),
         .ring_size = state.get_or("ring_size", defaults.ring_size),
         .max_ring_size = state.get_or("max_ring_size", defaults.max_ring_size),
         .max_lent = state.get_or("max_lent", defaults.max_lent),
         .max_lending_connections = state.get_or("max_lending_connections", defaults.max_lending_connections)});
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> SharedMemoryConnector::connect(
    asio::any_io_executor executor, ConnectionOptions options) const {
    const SharedMemoryConnector self = *this;
    const detail::MakeSharedMemoryConnection make{detail::SharedStream::Side::client, self.options_};
    std::string why;
    try {
        const auto address = detail::shared_memory_address(self.name_, self.options_.local);
        auto connection = co_await detail::connect_local(address, executor, options, make);
        if (self.options_.or_local) {
            co_await detail::share_memory(connection);
        }
        co_return connection;
    } catch (const std::system_error& e) {
        if (!self.options_.or_local || e.code() == asio::error::operation_aborted) {
            throw;
        }
        why = e.what();
    }
    try {
        co_return co_await detail::connect_local({self.name_, self.options_.local}, executor, options);
    } catch (const std::system_error& e) {
        throw MessageError(e.code(), why + "; " + e.what(), {});
    }
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> SharedMemoryConnector::listen(
    asio::any_io_executor executor, ConnectionOptions options) const {
    const SharedMemoryConnector self = *this;
    const detail::MakeSharedMemoryConnection make{
        detail::SharedStream::Side::server, self.options_,
        std::make_shared<detail::LendingPlaces>(self.options_.max_lending_connections)};
    detail::ListeningPlaces places;
    co_await detail::add_places(places, detail::shared_memory_address(self.name_, self.options_.local), executor);
    if (self.options_.or_local) {
        co_await detail::add_places(places, {self.name_, self.options_.local}, executor);
    }
    co_return std::make_shared<detail::LocalListener>(std::move(places), self.dump_state(), executor, options, make);
}

}  // namespace communica
