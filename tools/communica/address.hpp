// Where a server is, as it is written on a command line.
#pragma once

#include <communica/connector.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tool {

/// What an address does not say.
struct Access {
    std::string key_file;          // of a shared key; empty for none
    std::string ca_file;           // whom TLS trusts; empty: whom the system trusts
    std::string certificate_file;  // of this side, with its key
    std::string private_key_file;
    std::string server_name;  // in the server's certificate, if it is another than the host
    bool insecure = false;    // takes any certificate
    std::string directory;    // of local sockets
    std::string client_id;    // empty: a random one
};

/// A connector of any transport, its type forgotten, so that what talks is compiled once.
class Address {
 public:
    template <class C>
        requires(!std::same_as<C, Address>) && communica::Connector<C>
    explicit Address(C connector)
        : connection_factory_(connector),
          listener_factory_(connector),
          state_([connector] { return connector.dump_state(); }) {}

    std::string address() const { return connection_factory_.address(); }
    std::string dump_state() const { return state_(); }
    static Address load_state(const std::string& text);

    asio::awaitable<std::shared_ptr<communica::Connection>> connect(asio::any_io_executor executor,
                                                                    communica::ConnectionOptions options) const {
        return connection_factory_.connect(std::move(executor), std::move(options));
    }
    asio::awaitable<std::shared_ptr<communica::Listener>> listen(asio::any_io_executor executor,
                                                                 communica::ConnectionOptions options) const {
        return listener_factory_.listen(std::move(executor), std::move(options));
    }
    std::chrono::milliseconds first_retry() const { return connection_factory_.first_retry(); }
    bool serves_once() const { return connection_factory_.serves_once(); }

 private:
    communica::ConnectionFactory connection_factory_;
    communica::ListenerFactory listener_factory_;
    std::function<std::string()> state_;
};

/// `local:NAME`, `shm:NAME`, `tcp:HOST:PORT`, `tls:HOST:PORT`, `amqp://...#ADDRESS`, or a connector's state. Throws `std::system_error`.
Address parse_address(const std::string& text, const Access& access);

// What needs a library: not there in a build without it, where it throws `errc::not_supported`.

Address tls_address(const std::string& host, std::uint16_t port, const Access& access);
/// The same for those alone who share the key.
Address with_key_of(const Address& address, const std::string& key_file);
/// With TLS for a URL that begins with `amqps:`.
Address rabbitmq_address(const std::string& url, const std::string& address, const std::string& client_id,
                         const Access& access);
/// Needs Linux.
Address shared_memory_address(const std::string& name, const Access& access);
Address shared_memory_address_of_state(const std::string& state);

std::string read_file(const std::string& path);

}  // namespace tool
