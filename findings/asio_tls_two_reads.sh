#!/usr/bin/env bash
# Asio's async_shutdown concurrent with an async_read_some makes two reads of one TLS stream fill one buffer.
#
# Versions: Asio 1.22.1 (Debian 12) and 1.36.0 (sid), with OpenSSL 3.0 (Debian 12).
#
# An asio::ssl::stream has one buffer for input from the next layer, and is designed for one read of that layer at a time: a
# second operation that needs input waits for the first with a timer. When the first read completes, it wakes the second
# operation and starts its next read. The second operation then marks the layer as idle and also starts a read. From then on
# both reads fill the same buffer, and records are lost. async_shutdown is such a second operation, because it waits for the
# peer's close_notify. Its documentation does not forbid a concurrent read.
#
# What to do: never start async_shutdown while a read is pending. Send only the close_notify (SSL_shutdown, and write its record
# to the next layer), and continue to read until the end.
#
# Seen, from both:
#   reads of the layer below at a time: 2
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++ openssl

debian_package bookworm "$work/bookworm" libasio-dev=1:1.22.1-1
debian_package sid "$work/sid" libasio-dev=1:1.36.0-1
[[ $(openssl version) == "OpenSSL 3.0."* ]] || give_up "this is about OpenSSL 3.0, not $(openssl version)"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null

cat >"$work/two.cpp" <<'END'
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

using Socket = asio::local::stream_protocol::socket;

// A socket that counts the reads that wait in it.
struct Counting {
    using executor_type = Socket::executor_type;
    using lowest_layer_type = Socket;
    explicit Counting(asio::io_context& context) : socket(context) {}
    executor_type get_executor() { return socket.get_executor(); }
    Socket& lowest_layer() { return socket; }
    template <class Buffers>
    std::size_t read_some(const Buffers& b, asio::error_code& e) { return socket.read_some(b, e); }
    template <class Buffers>
    std::size_t write_some(const Buffers& b, asio::error_code& e) { return socket.write_some(b, e); }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& b, Token&& token) { return socket.async_write_some(b, std::forward<Token>(token)); }
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        most = std::max(most, ++reads);
        auto executor = asio::get_associated_executor(handler, socket.get_executor());
        socket.async_read_some(buffers, asio::bind_executor(executor,
            [this, handler = std::decay_t<Handler>(std::forward<Handler>(handler))](asio::error_code error, std::size_t size) mutable {
                --reads;
                std::move(handler)(error, size);
            }));
    }
    Socket socket;
    int reads = 0, most = 0;
};

int main(int, char** argv) {
    asio::io_context context, peers_context;
    asio::ssl::context client_tls(asio::ssl::context::tls_client), server_tls(asio::ssl::context::tls_server);
    server_tls.use_certificate_chain_file(argv[1] + std::string("/certificate.pem"));
    server_tls.use_private_key_file(argv[1] + std::string("/key.pem"), asio::ssl::context::pem);
    asio::ssl::stream<Counting> stream(context, client_tls);
    asio::ssl::stream<Socket> peer(peers_context, server_tls);
    std::atomic<int> came = 0;
    asio::local::connect_pair(stream.next_layer().socket, peer.next_layer());
    std::thread other([&] {
        peer.handshake(asio::ssl::stream_base::server);
        asio::write(peer, asio::buffer("what is read first", 18));
        char byte;
        asio::error_code ended;
        peer.read_some(asio::buffer(&byte, 1), ended);  // our close_notify
        for (int number = 0; number != 3; ++number) {
            asio::write(peer, asio::buffer("and more", 8), ended);
            came.wait(number);
        }
        peer.shutdown(ended);
    });
    stream.handshake(asio::ssl::stream_base::client);
    char bytes[18];
    asio::read(stream, asio::buffer(bytes));
    stream.next_layer().most = 0;
    char more[100];
    auto read_on = [&](auto& self) -> void {
        stream.async_read_some(asio::buffer(more), [&](asio::error_code error, std::size_t) {
            ++came;
            came.notify_one();
            if (!error) {
                self(self);
            }
        });
    };
    read_on(read_on);
    stream.async_shutdown([](asio::error_code) {});
    context.run_for(std::chrono::seconds(2));
    came = 1000;
    came.notify_one();
    std::cout << "reads of the layer below at a time: " << stream.next_layer().most << '\n';
    stream.next_layer().socket.close();
    other.join();
}
END

try_with() {
  g++ -std=c++20 -isystem "$work/$1/usr/include" "$work/two.cpp" -o "$work/two" -pthread -lssl -lcrypto && "$work/two" "$work"
}
two="reads of the layer below at a time: 2"
expect "1.22.1" "$two" "$(try_with bookworm)"
expect "1.36.0" "$two" "$(try_with sid)"
