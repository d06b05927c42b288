// Sends a fixed number of requests through the message path, in one process and one thread over a socketpair, so that
// each run executes the same number of instructions. `run.py --instructions` counts those in `measured` with callgrind.
//
//     bench_instructions json|bytes|no_deadline|suspend|routes|notify|asio DEPTH REQUESTS
//
// "asio" is the same exchange on Asio coroutines alone.

#include "asio_exchange.hpp"

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include <sys/socket.h>

/// The function that is counted. Callgrind finds it by its C name.
extern "C" [[gnu::noinline]] void measured(asio::io_context& context);
void measured(asio::io_context& context) { context.run(); }

namespace {

using communica::BytesSerializer;
using communica::DescriptorConnector;
using communica::JsonSerializer;

using bench::stop_on_error;

std::string echo(std::string value) { return value; }

asio::awaitable<std::string> echo_later(std::string value) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return value;
}

/// Requests shared by several coroutines. The last coroutine stops the context.
struct Work {
    asio::io_context& context;
    int left = 0;
    int asking = 0;
};

template <class Request>
asio::awaitable<void> ask(Request request, Work& work) {
    while (work.left-- > 0) {
        co_await request();
    }
    if (--work.asking == 0) {
        work.context.stop();
    }
}

template <class Server, class Client, class Request>
void run(Server& server, Client& client, asio::io_context& context, int depth, int requests, Request request) {
    server.start(stop_on_error);
    client.connect(stop_on_error);
    while (!client.is_connected()) {
        context.run_one();
    }
    Work work{.context = context};
    const auto begin = [&](int count) {
        context.restart();
        work.left = count;
        work.asking = depth;
        for (int i = 0; i != depth; ++i) {
            asio::co_spawn(context, ask(request, work), stop_on_error);
        }
    };
    begin(500);  // warm-up: allocates memory and calls every function once
    context.run();
    begin(requests);
    measured(context);
    std::_Exit(0);  // skips the destructors
}

struct Ends {
    int server = -1;
    int client = -1;

    Ends() {
        int both[2]{};
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, both) != 0) {
            throw std::system_error(errno, std::generic_category(), "socketpair");
        }
        server = both[0];
        client = both[1];
    }
};

template <class S, class F>
void run_simple(F handler, communica::RequestOptions options, int depth, int requests) {
    const Ends ends;
    asio::io_context context(1);
    communica::SimpleServer server{context, DescriptorConnector(ends.server), handler, S{}};
    communica::SimpleClient client{context, DescriptorConnector(ends.client), S{}};
    const std::string text(64, 'x');
    run(server, client, context, depth, requests, [&] { return client.template request<std::string>(text, options); });
}

void run_routes(int depth, int requests) {
    const Ends ends;
    asio::io_context context(1);
    communica::RouteTable routes;
    for (int i = 0; i != 20; ++i) {
        routes.add("shop.orders.route_" + std::to_string(i), echo);
    }
    communica::RouteServer server{context, DescriptorConnector(ends.server), routes};
    communica::RouteClient client{context, DescriptorConnector(ends.client)};
    const std::string text(64, 'x');
    const std::string route = "shop.orders.route_7";
    run(server, client, context, depth, requests, [&] { return client.request<std::string>(route, text); });
}

/// Every 100th is a flush, also the last. The token is not the default one, with which the time that passes decides how
/// many notifications complete at once.
void run_notifications(int depth, int requests) {
    const Ends ends;
    asio::io_context context(1);
    communica::RouteTable routes;
    routes.add("shop.orders.event", [](const std::string&) {});
    communica::RouteServer server{context, DescriptorConnector(ends.server), routes};
    communica::RouteClient client{context, DescriptorConnector(ends.client)};
    const std::string text(64, 'x');
    int count = 0;
    std::error_code error;
    const auto token = [&] { return asio::redirect_error(asio::use_awaitable, error); };
    run(server, client, context, depth, requests,
        [&] { return ++count % 100 == 0 ? client.flush(token()) : client.notify("shop.orders.event", text, token()); });
}

/// Stops the context after a number of answers.
struct Countdown {
    asio::io_context& context;
    int left = 0;

    bench::Ticks lap(bench::Ticks begin) {
        if (--left == 0) {
            context.stop();
        }
        return begin;
    }
};

void run_asio(int depth, int requests) {
    using Protocol = asio::local::stream_protocol;
    const Ends ends;
    asio::io_context context(1);
    bench::Socket<Protocol> server(context, Protocol(), ends.server);
    bench::Socket<Protocol> client(context, Protocol(), ends.client);
    server.non_blocking(true);
    client.non_blocking(true);
    const std::string text(64, 'x');
    Countdown countdown{.context = context, .left = 500};  // warm-up
    bench::Multiplexer<false, bench::Socket<Protocol>> multiplexer(client, static_cast<std::size_t>(depth));
    asio::co_spawn(context, bench::serve_connection<false>(std::move(server)), stop_on_error);
    if (depth == 1) {
        asio::co_spawn(context, bench::ask_in_turn<false>(client, countdown, text), stop_on_error);
    } else {
        asio::co_spawn(context, multiplexer.read_answers(), stop_on_error);
        for (int i = 0; i != depth; ++i) {
            asio::co_spawn(context,
                           bench::ask_among_others(multiplexer, static_cast<std::uint32_t>(i), countdown, text),
                           stop_on_error);
        }
    }
    context.run();
    context.restart();
    countdown.left = requests;
    measured(context);
    std::_Exit(0);  // skips the destructors
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 4) {
        throw std::invalid_argument("VARIANT DEPTH REQUESTS");
    }
    const std::string variant = argv[1];
    const int depth = std::stoi(argv[2]);
    const int requests = std::stoi(argv[3]);
    if (variant == "bytes") {
        run_simple<BytesSerializer>(echo, {}, depth, requests);
    } else if (variant == "no_deadline") {
        run_simple<JsonSerializer>(echo, {.timeout = std::nullopt}, depth, requests);
    } else if (variant == "suspend") {
        run_simple<JsonSerializer>(echo_later, {}, depth, requests);
    } else if (variant == "routes") {
        run_routes(depth, requests);
    } else if (variant == "notify") {
        run_notifications(depth, requests);
    } else if (variant == "asio") {
        run_asio(depth, requests);
    } else {
        run_simple<JsonSerializer>(echo, {}, depth, requests);
    }
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
