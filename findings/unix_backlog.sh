#!/usr/bin/env bash
# Asio and Python's asyncio report that a Unix socket is connected when the backlog of its server is full.
#
# Versions: Asio 1.30.2 (Debian 13) and 1.36.0 (sid), with its reactor, but not 1.22.1 (Debian 12); asyncio of Python 3.11, 3.13
# and 3.14. Linux. Node.js 20 for comparison.
#
# A non-blocking connect fails with EAGAIN while the backlog of a Unix socket is full. Asio from 1.24 on and asyncio treat it as
# EINPROGRESS and wait until the socket is writable. It is writable at once, and the operation completes without an error. The
# socket is not connected: it has no remote endpoint, writing fails, and SO_PEERCRED returns the user id -1. Asio 1.22.1 reports
# an error, but a wrong one; Node.js reports the right one. Reported as chriskohlhoff/asio#1365 and python/cpython#117208. A
# server of asyncio has a backlog of 100 by default.
#
# What to do: call connect(2) on a non-blocking socket, and try again after EAGAIN.
#
# Seen:
#   1.22.1: async_connect: No buffer space available; remote_endpoint: Transport endpoint is not connected; write_some: the same
#   1.30.2: async_connect: Success; remote_endpoint: Transport endpoint is not connected; write_some: the same
#   1.36.0: async_connect: Success; remote_endpoint: Transport endpoint is not connected; write_some: the same
#   asyncio: connected; read: OSError
#   Node.js: EAGAIN
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++ python3 node

debian_package bookworm "$work/bookworm" libasio-dev=1:1.22.1-1
debian_package trixie "$work/trixie" libasio-dev=1:1.30.2-1
debian_package sid "$work/sid" libasio-dev=1:1.36.0-1

cat >"$work/backlog.cpp" <<'END'
#include <asio.hpp>
#include <iostream>

int main(int, char** argv) {
    using asio::local::stream_protocol;
    asio::io_context context;
    const stream_protocol::endpoint place(argv[1]);
    stream_protocol::acceptor server(context, stream_protocol());
    server.bind(place);
    server.listen(0);  // room for one connection, which is never accepted
    stream_protocol::socket first(context), second(context);
    first.connect(place);
    second.async_connect(place, [&](asio::error_code connected) {
        asio::error_code written, named;
        second.remote_endpoint(named);
        second.write_some(asio::buffer("x", 1), written);
        std::cout << "async_connect: " << connected.message() << "; remote_endpoint: " << named.message()
                  << "; write_some: " << written.message() << '\n';
    });
    context.run_for(std::chrono::seconds(2));
}
END

try_with() {
  g++ -std=c++17 -isystem "$work/$1/usr/include" "$work/backlog.cpp" -o "$work/backlog-$1" -pthread
  "$work/backlog-$1" "$work/$1.sock"
}
not_connected="; remote_endpoint: Transport endpoint is not connected; write_some: Transport endpoint is not connected"
expect "1.22.1" "async_connect: No buffer space available$not_connected" "$(try_with bookworm)"
expect "1.30.2" "async_connect: Success$not_connected" "$(try_with trixie)"
expect "1.36.0" "async_connect: Success$not_connected" "$(try_with sid)"

cat >"$work/backlog.py" <<'END'
import asyncio, socket, subprocess, sys

place = sys.argv[1]
server, first = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind(place)
server.listen(0)
first.connect(place)

async def connect():
    reader, writer = await asyncio.open_unix_connection(place)
    print("asyncio: connected", end="; ")
    try:
        await reader.read(1)
    except OSError:
        print("read: OSError", flush=True)

asyncio.run(connect())
subprocess.run(["node", "-e", """
    const socket = require("net").connect(process.argv[1], () => console.log("Node.js: connected"));
    socket.on("error", error => console.log("Node.js: " + error.code));
""", place], timeout=10)
END
expect "Python, Node.js" "asyncio: connected; read: OSError
Node.js: EAGAIN" "$(python3 "$work/backlog.py" "$work/python.sock")"
