// The exchange of bench_asio's `coro` over TLS.

#include "asio_exchange.hpp"
#include "tls.hpp"

#include <asio/ip/tcp.hpp>

namespace {

using namespace bench;

using Stream = asio::ssl::stream<Socket<asio::ip::tcp>>;

Task<void> serve_stream(Stream stream) {
    co_await stream.async_handshake(asio::ssl::stream_base::server, use_task);
    co_await serve_connection<false>(std::move(stream));
}

Task<void> accept_all(asio::basic_socket_acceptor<asio::ip::tcp, Executor>& acceptor, asio::ssl::context& tls) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(use_task);
        set_no_delay(socket.native_handle());
        asio::co_spawn(acceptor.get_executor(), serve_stream(Stream(std::move(socket), tls)), asio::detached);
    }
}

void serve(const Options& options) {
    asio::io_context context(1);
    asio::ssl::context tls = server_context();
    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor(context, asio::ip::tcp::v4(), listen_socket(options));
    asio::co_spawn(context, accept_all(acceptor, tls), asio::detached);
    say_ready();
    context.run();
}

void ask(const Options& options) {
    asio::io_context context(1);
    asio::ssl::context tls(asio::ssl::context::tls);
    Stream stream(Socket<asio::ip::tcp>(context, asio::ip::tcp::v4(), connect_socket(options)), tls);
    stream.handshake(asio::ssl::stream_base::client);
    const std::string body(options.size, 'x');
    Meter meter(options);
    if (options.depth == 1) {
        asio::co_spawn(context, ask_in_turn<false>(stream, meter, body), stop_on_error);
        context.run();
        return;
    }
    Multiplexer<false, Stream> multiplexer(stream, static_cast<std::size_t>(options.depth));
    asio::co_spawn(context, multiplexer.read_answers(), stop_on_error);
    for (int id = 0; id != options.depth; ++id) {
        asio::co_spawn(context, ask_among_others(multiplexer, static_cast<std::uint32_t>(id), meter, body),
                       stop_on_error);
    }
    context.run();
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
