#!/usr/bin/env bash
# Data that a TLS peer sends after our close_notify ends Asio's async_shutdown with an error, and can't be read any more.
#
# Versions: Asio 1.22.1 (Debian 12) and 1.36.0 (sid), with OpenSSL 3.0 (Debian 12).
#
# In TLS 1.3 a close_notify closes one direction (RFC 8446, 6.1): the peer may continue to send, and its data has to be read.
# Asio's async_shutdown sends our close_notify and waits for the peer's. The first byte of data ends it with "application data
# after close notify". All later reads fail, too, so the rest of the peer's data is lost. Requested as chriskohlhoff/asio#571.
#
# What to do: read until end of file before async_shutdown, or let the peer close first.
#
# Seen, from both:
#   TLSv1.3; async_shutdown: application data after close notify (SSL routines); read: 0 bytes, unspecified system error
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++ openssl

debian_package bookworm "$work/bookworm" libasio-dev=1:1.22.1-1
debian_package sid "$work/sid" libasio-dev=1:1.36.0-1
[[ $(openssl version) == "OpenSSL 3.0."* ]] || give_up "this is about OpenSSL 3.0, not $(openssl version)"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null

cat >"$work/late.cpp" <<'END'
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <iostream>
#include <thread>

using Stream = asio::ssl::stream<asio::local::stream_protocol::socket>;

int main(int, char** argv) {
    asio::io_context context, peers_context;
    asio::ssl::context client_tls(asio::ssl::context::tls_client), server_tls(asio::ssl::context::tls_server);
    server_tls.use_certificate_chain_file(argv[1] + std::string("/certificate.pem"));
    server_tls.use_private_key_file(argv[1] + std::string("/key.pem"), asio::ssl::context::pem);
    Stream stream(context, client_tls), peer(peers_context, server_tls);
    asio::local::connect_pair(stream.next_layer(), peer.next_layer());

    std::thread other([&] {
        peer.handshake(Stream::server);
        char byte;
        asio::error_code ended;
        peer.read_some(asio::buffer(&byte, 1), ended);  // our close_notify
        asio::write(peer, asio::buffer("late", 4));
        peer.shutdown(ended);
    });
    stream.handshake(Stream::client);
    std::cout << SSL_get_version(stream.native_handle()) << "; async_shutdown: ";
    stream.async_shutdown([](asio::error_code error) { std::cout << error.message(); });
    context.run();
    char bytes[4];
    asio::error_code error;
    const auto size = asio::read(stream, asio::buffer(bytes), error);
    std::cout << "; read: " << size << " bytes, " << error.message() << '\n';
    stream.next_layer().close();
    other.join();
}
END

try_with() {
  g++ -std=c++17 -isystem "$work/$1/usr/include" "$work/late.cpp" -o "$work/late" -pthread -lssl -lcrypto && "$work/late" "$work"
}
lost="TLSv1.3; async_shutdown: application data after close notify (SSL routines); read: 0 bytes, unspecified system error"
expect "1.22.1" "$lost" "$(try_with bookworm)"
expect "1.36.0" "$lost" "$(try_with sid)"
