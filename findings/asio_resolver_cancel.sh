#!/usr/bin/env bash
# Asio's name resolution can't be cancelled, and the destructor of its io_context waits for it.
#
# Versions: Asio 1.22.1 (Debian 12) and 1.36.0 (sid), with the resolver of glibc 2.36.
#
# Asio resolves names with getaddrinfo, on a thread of its own. resolver.cancel() affects only queries that have not started. A
# running query continues; its handler is called when getaddrinfo returns, with that function's result instead of
# operation_aborted. If the io_context is destroyed meanwhile, its destructor waits for the thread. With glibc's defaults and a
# name server that does not answer, both take 10 seconds. So a program that gives up connecting, or exits, waits for that time.
#
# What to do: connect by address; or use the resolver on an io_context that the program need not destroy.
#
# Seen, from both, with a name server that does not answer, a timeout of 3 s, and a cancellation after 0.1 s:
#   look-up ended after 3 s: Host not found (non-authoritative), try again later
#   context destroyed after 3 s
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++ unshare ip python3
((EUID == 0)) || give_up "a network of its own needs root"

debian_package bookworm "$work/bookworm" libasio-dev=1:1.22.1-1
debian_package sid "$work/sid" libasio-dev=1:1.36.0-1

cat >"$work/look_up.cpp" <<'END'
#include <asio.hpp>
#include <cmath>
#include <iostream>
#include <optional>

int main(int, char** argv) {
    const auto begin = std::chrono::steady_clock::now();
    const auto now = [&] { return std::lround(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()); };
    std::optional<asio::io_context> context(std::in_place);
    asio::ip::tcp::resolver resolver(*context);
    resolver.async_resolve("name.example", "1", [&](asio::error_code error, auto) {
        std::cout << "look-up ended after " << now() << " s: " << error.message() << '\n';
    });
    context->run_for(std::chrono::milliseconds(100));
    resolver.cancel();
    if (argv[1] == std::string("run")) {
        context->run();
    } else {
        context.reset();
        std::cout << "context destroyed after " << now() << " s\n";
    }
}
END
printf 'nameserver 127.0.0.1\noptions timeout:3 attempts:1\n' >"$work/resolv.conf"
echo 'hosts: dns' >"$work/nsswitch.conf"

# A name server that takes questions and never answers, for this program alone.
with_deaf_server() {
  unshare --mount --net --pid --fork --kill-child bash -c '
    ip link set lo up
    mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf
    python3 -c "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind((\"127.0.0.1\", 53)); time.sleep(60)" &
    until [[ $(</proc/net/udp) == *0100007F:0035* ]]; do sleep 0.05; done
    exec "$@"' "$work" "$@"
}
try_with() {
  g++ -std=c++17 -isystem "$work/$1/usr/include" "$work/look_up.cpp" -o "$work/look_up" -pthread
  with_deaf_server "$work/look_up" run
  with_deaf_server "$work/look_up" destroy
}
late="look-up ended after 3 s: Host not found (non-authoritative), try again later
context destroyed after 3 s"
expect "1.22.1" "$late" "$(try_with bookworm)"
expect "1.36.0" "$late" "$(try_with sid)"
