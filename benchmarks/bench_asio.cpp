// Asio coroutines without an RPC library. Variants:
//
//     coro    the baseline of the ratios
//     wait    waits until the socket is readable before it reads, which saves a read that returns nothing
//     large   reads each frame directly into its body, and writes heads and bodies with gathered writes
//     burn    uses 100 us of CPU time for each frame

#include "asio_exchange.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>

#include <thread>

namespace {

using namespace bench;

template <class S>
Task<void> serve_large(S socket) {
    Head head;
    std::vector<char> body;
    for (;;) {
        co_await asio::async_read(socket, asio::buffer(&head, sizeof head), use_task);
        body.resize(head.length);
        co_await asio::async_read(socket, asio::buffer(body), use_task);
        const std::array buffers{asio::const_buffer(&head, sizeof head), asio::const_buffer(body.data(), body.size())};
        co_await asio::async_write(socket, buffers, use_task);
    }
}

template <class Protocol>
Task<void> accept_all(asio::basic_socket_acceptor<Protocol, Executor> acceptor, const bench::Options& options) {
    for (;;) {
        Socket<Protocol> socket = co_await acceptor.async_accept(use_task);
        if (options.tcp) {
            bench::set_no_delay(socket.native_handle());
        }
        socket.non_blocking(true);
        if (options.variant == "large") {
            asio::co_spawn(acceptor.get_executor(), serve_large(std::move(socket)), asio::detached);
        } else if (options.variant == "wait") {
            asio::co_spawn(acceptor.get_executor(), serve_connection<true>(std::move(socket)), asio::detached);
        } else if (options.variant == "burn") {
            asio::co_spawn(acceptor.get_executor(), serve_connection<false>(std::move(socket), work_for_100_us),
                           asio::detached);
        } else {
            asio::co_spawn(acceptor.get_executor(), serve_connection<false>(std::move(socket)), asio::detached);
        }
    }
}

template <class Protocol>
void serve_over(const Protocol& protocol, const bench::Options& options) {
    asio::io_context context(options.threads);
    asio::basic_socket_acceptor<Protocol, Executor> acceptor(context, protocol, bench::listen_socket(options));
    asio::co_spawn(context, accept_all(std::move(acceptor), options), asio::detached);
    bench::say_ready();
    std::vector<std::jthread> others;
    for (int i = 1; i < options.threads; ++i) {
        others.emplace_back([&context] { context.run(); });
    }
    context.run();
}

template <class S>
Task<void> ask_large(S& socket, bench::Meter& meter, const std::string& request) {
    std::vector<char> body;
    for (Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        Head head{.length = static_cast<std::uint32_t>(request.size())};
        const std::array buffers{asio::const_buffer(&head, sizeof head),
                                 asio::const_buffer(request.data(), request.size())};
        co_await asio::async_write(socket, buffers, use_task);
        co_await asio::async_read(socket, asio::buffer(&head, sizeof head), use_task);
        body.resize(head.length);
        co_await asio::async_read(socket, asio::buffer(body), use_task);
    }
}

template <bool wait, class Protocol>
void ask_over(const Protocol& protocol, const bench::Options& options) {
    asio::io_context context(1);
    std::vector<Socket<Protocol>> sockets;
    for (int i = 0; i != options.clients; ++i) {
        sockets.emplace_back(context, protocol, bench::connect_socket(options)).non_blocking(true);
    }
    const std::string body(options.size, 'x');
    bench::Meter meter(options);
    if (options.variant == "large") {
        asio::co_spawn(context, ask_large(sockets.front(), meter, body), stop_on_error);
        context.run();
    } else if (options.depth == 1) {
        for (auto& socket : sockets) {
            asio::co_spawn(context, ask_in_turn<wait>(socket, meter, body), stop_on_error);
        }
        context.run();
    } else {
        Multiplexer<wait, Socket<Protocol>> multiplexer(sockets.front(), static_cast<std::size_t>(options.depth));
        asio::co_spawn(context, multiplexer.read_answers(), stop_on_error);
        for (int id = 0; id != options.depth; ++id) {
            asio::co_spawn(context, ask_among_others(multiplexer, static_cast<std::uint32_t>(id), meter, body),
                           stop_on_error);
        }
        context.run();
    }
}

template <class S>
Task<void> ask_once(S& socket) {
    const std::string body(64, 'x');
    std::vector<char> out;
    append(out, 0, body.data(), body.size());
    co_await asio::async_write(socket, asio::buffer(out), use_task);
    co_await asio::async_read(socket, asio::buffer(out), use_task);
}

template <class Protocol>
void measure_idle(const Protocol& protocol, const bench::Options& options) {
    asio::io_context context(1);
    std::vector<Socket<Protocol>> sockets;
    const auto connect = [&] {
        sockets.emplace_back(context, protocol, bench::connect_socket(options));
        asio::co_spawn(context, ask_once(sockets.back()), stop_on_error);
        context.run();
        context.restart();
    };
    connect();
    const bench::IdleMeter meter(options);
    for (int i = 0; i != options.clients; ++i) {
        connect();
    }
    meter.report();
}

void serve(const bench::Options& options) {
    if (options.tcp) {
        serve_over(asio::ip::tcp::v4(), options);
    } else {
        serve_over(asio::local::stream_protocol(), options);
    }
}

template <class Protocol>
void ask_with(const Protocol& protocol, const bench::Options& options) {
    if (options.idle) {
        measure_idle(protocol, options);
    } else if (options.variant == "wait") {
        ask_over<true>(protocol, options);
    } else {
        ask_over<false>(protocol, options);
    }
}

void ask(const bench::Options& options) {
    if (options.tcp) {
        ask_with(asio::ip::tcp::v4(), options);
    } else {
        ask_with(asio::local::stream_protocol(), options);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
