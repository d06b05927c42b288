// The ways in which a server and its client can meet, so that one test serves all of them.
#pragma once

#include "catch.hpp"
#include "rabbitmq_transport.hpp"
#include "shared_memory_transport.hpp"
#include "streams.hpp"
#include "temporary_directory.hpp"
#include "tls_transport.hpp"

#include <communica/connectors/any.hpp>
#include <communica/connectors/memory.hpp>

#include <algorithm>
#include <optional>
#include <ostream>
#include <vector>

namespace test {

enum class Transport { tcp, local, memory, descriptors, tls, rabbitmq, shared_memory };

inline std::ostream& operator<<(std::ostream& out, Transport transport) {
    constexpr const char* names[] = {"TCP", "local sockets", "memory",       "a socketpair",
                                     "TLS", "RabbitMQ",      "shared memory"};
    return out << names[static_cast<int>(transport)];
}

/// Those that this build has.
inline auto transports_of(std::vector<Transport> transports) {
    if (RabbitmqTransport::is_wanted()) {
        transports = {Transport::rabbitmq};
    } else if (SharedMemoryTransport::is_wanted()) {
        transports = {Transport::shared_memory};
    }
    if (!TlsTransport::exists()) {
        std::erase(transports, Transport::tls);
    }
    return Catch::Generators::from_range(transports);
}

/// `const auto transport = GENERATE(test::every_transport());`
inline auto every_transport() {
    using enum Transport;
    return transports_of({tcp, local, memory, descriptors, tls});
}
/// Those on which a client can come back, and several clients can be at once.
inline auto lasting_transports() {
    using enum Transport;
    return transports_of({tcp, local, memory, tls});
}

/// One type for all connectors: what it is used with is compiled once.
using TestConnector =
    communica::AnyConnectorOf<communica::TcpConnector, communica::LocalConnector, communica::DescriptorConnector,
                              communica::MemoryConnector, TlsTransport, RabbitmqTransport, SharedMemoryTransport>;

/// A place where one server and its clients meet.
class Meeting {
 public:
    explicit Meeting(Transport transport) : transport_(transport) {
        if (transport == Transport::descriptors) {
            const auto [server_end, client_end] = stream_pair();
            server_end_.emplace(server_end);
            client_end_.emplace(client_end);
        }
    }

    TestConnector at_server() const {
        switch (transport_) {
            case Transport::tcp: return communica::TcpConnector("127.0.0.1", 0);
            case Transport::local: return local();
            case Transport::memory: return memory_;
            case Transport::tls: return TlsTransport::at_server();
            case Transport::rabbitmq: return RabbitmqTransport::at_server();
            case Transport::shared_memory: return SharedMemoryTransport::in(directory_.path());
            case Transport::descriptors: break;
        }
        return *server_end_;
    }

    /// For clients of `server`, which listens.
    template <class Server>
    TestConnector at_client(const Server& server) const {
        switch (transport_) {
            case Transport::tcp: return communica::TcpConnector::load_state(server.connector_state());
            case Transport::local: return local();
            case Transport::memory: return memory_;
            case Transport::tls: return TlsTransport::load_state(server.connector_state());
            case Transport::rabbitmq: return RabbitmqTransport::load_state(server.connector_state());
            case Transport::shared_memory: return SharedMemoryTransport::load_state(server.connector_state());
            case Transport::descriptors: break;
        }
        return *client_end_;
    }

 private:
    communica::LocalConnector local() const {
        return communica::LocalConnector("meeting", {.directory = directory_.path()});
    }

    Transport transport_;
    TemporaryDirectory directory_;
    communica::MemoryConnector memory_;
    std::optional<communica::DescriptorConnector> server_end_;
    std::optional<communica::DescriptorConnector> client_end_;
};

}  // namespace test
