// The library. Variants:
//
//     json         text by JsonSerializer, a plain handler
//     bytes        the same bytes by BytesSerializer
//     suspend      json with a coroutine handler that lets others run once
//     struct       a struct of 1 KiB by JsonSerializer
//     fast         the same by the fast JSON serializer
//     nlohmann     text by nothing but nlohmann's parse and dump
//     routes       json, RouteClient to RouteServer with 20 routes
//     burn         json with a handler that works for 100 us
//     no_deadline  json, requests without a deadline

#include "harness.hpp"
#include "record.hpp"

#include <communica/communica.hpp>
#ifdef BENCH_FAST_JSON
#include <communica/serializers/fast_json.hpp>
#endif

#include <asio/io_context.hpp>

#include <deque>
#include <optional>
#include <thread>

namespace bench {

COMMUNICA_MODEL(Item, number, name, price, in_stock, sizes)
COMMUNICA_MODEL(Order, id, customer, note, items)

}  // namespace bench

namespace {

using bench::Ticks;
using communica::BytesSerializer;
using communica::JsonSerializer;
#ifdef BENCH_FAST_JSON
using FastSerializer = communica::FastJsonSerializer;
#else
using FastSerializer = JsonSerializer;
#endif

/// What a program does that hands text to nlohmann/json and does not think about it.
struct NlohmannSerializer {
    void dump(const communica::Nothing&, communica::Buffer& out) const { out.append("null"); }
    void dump(const std::string& value, communica::Buffer& out) const { out.append(nlohmann::json(value).dump()); }

    template <std::same_as<std::string> T>
    T load(communica::Bytes bytes) const {
        return nlohmann::json::parse(communica::as_text(bytes)).get<T>();
    }
};

communica::AnyConnector connector_of(const bench::Options& options) {
    if (options.tcp) {
        return communica::TcpConnector("127.0.0.1", static_cast<std::uint16_t>(options.port()));
    }
    const auto slash = options.address.rfind('/');
    return communica::LocalConnector(options.address.substr(slash + 1),
                                     {.directory = options.address.substr(0, slash)});
}

void stop_on_error(const std::exception_ptr& error) {
    if (error) {
        std::rethrow_exception(error);
    }
}

// ---- the server ----------------------------------------------------------------------------------------------------

std::string echo(std::string value) { return value; }

asio::awaitable<std::string> echo_later(std::string value) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return value;
}

std::string echo_after_work(std::string value) {
    const double end = bench::cpu_seconds_of_thread() + 100e-6;
    while (bench::cpu_seconds_of_thread() < end) {
    }
    return value;
}

bench::Order echo_order(bench::Order order) { return order; }

template <class Server>
void run_server(asio::io_context& context, Server& server, int threads) {
    server.start([](const std::exception_ptr& error) {
        stop_on_error(error);
        bench::say_ready();
    });
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) {
        others.emplace_back([&context] { context.run(); });
    }
    context.run();
}

template <class S, class F>
void serve_simple(const bench::Options& options, F handler) {
    asio::io_context context(options.threads);
    communica::SimpleServer server{context, connector_of(options), handler, S{}};
    run_server(context, server, options.threads);
}

std::string route_name(int number) { return "shop.orders.route_" + std::to_string(number); }

void serve_routes(const bench::Options& options) {
    asio::io_context context(options.threads);
    communica::RouteTable routes;
    for (int i = 0; i != 20; ++i) {
        routes.add(route_name(i), echo);
    }
    communica::RouteServer server{context, connector_of(options), routes};
    run_server(context, server, options.threads);
}

void serve(const bench::Options& options) {
    if (options.variant == "bytes") {
        serve_simple<BytesSerializer>(options, echo);
    } else if (options.variant == "suspend") {
        serve_simple<JsonSerializer>(options, echo_later);
    } else if (options.variant == "struct") {
        serve_simple<JsonSerializer>(options, echo_order);
    } else if (options.variant == "fast") {
        serve_simple<FastSerializer>(options, echo_order);
    } else if (options.variant == "nlohmann") {
        serve_simple<NlohmannSerializer>(options, echo);
    } else if (options.variant == "routes") {
        serve_routes(options);
    } else if (options.variant == "burn") {
        serve_simple<JsonSerializer>(options, echo_after_work);
    } else {
        serve_simple<JsonSerializer>(options, echo);
    }
}

// ---- the client ----------------------------------------------------------------------------------------------------

bool is_same(const std::string& answer, const std::string& value) { return answer.size() == value.size(); }
bool is_same(const bench::Order& answer, const bench::Order& value) {
    return answer.items.size() == value.items.size();
}

/// Asks `request()` again and again.
template <class Request, class Value>
asio::awaitable<void> ask_again_and_again(Request request, const Value& value, bench::Meter& meter) {
    for (Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        const Value answer = co_await request();
        if (!is_same(answer, value)) {
            bench::fail("not what was sent");
        }
    }
}

template <class Client>
void connect_all(asio::io_context& context, std::deque<Client>& clients) {
    for (Client& client : clients) {
        client.connect(stop_on_error);
    }
    while (!std::all_of(clients.begin(), clients.end(), [](const Client& client) { return client.is_connected(); })) {
        context.run_one();
    }
}

/// `request(client, value)` begins a request.
template <class Client, class Value, class Request>
void measure(const bench::Options& options, const Value& value, Request request) {
    asio::io_context context(1);
    std::deque<Client> clients;
    for (int i = 0; i != options.clients; ++i) {
        clients.emplace_back(context, connector_of(options));
    }
    connect_all(context, clients);
    bench::Meter meter(options);
    for (Client& client : clients) {
        for (int i = 0; i != options.depth; ++i) {
            const auto ask = [&client, &value, request] { return request(client, value); };
            asio::co_spawn(context, ask_again_and_again(ask, value, meter), stop_on_error);
        }
    }
    context.run();
}

template <class S>
using Client = communica::SimpleClient<communica::AnyConnector, S>;

template <class S, class Value>
void measure_simple(const bench::Options& options, const Value& value) {
    measure<Client<S>>(options, value,
                       [](Client<S>& client, const Value& v) { return client.template request<Value>(v); });
}

void measure_idle(const bench::Options& options) {
    asio::io_context context(1);
    std::deque<Client<JsonSerializer>> clients;
    const auto connect = [&] {
        auto& client = clients.emplace_back(context, connector_of(options));
        client.connect(stop_on_error);
        bool done = false;
        client.request<std::string>("hello", [&done](const std::exception_ptr& error, const std::string&) {
            stop_on_error(error);
            done = true;
        });
        while (!done) {
            context.run_one();
        }
    };
    connect();
    const bench::IdleMeter meter(options);
    for (int i = 0; i != options.clients; ++i) {
        connect();
    }
    meter.report();
}

void ask(const bench::Options& options) {
    const std::string text(options.size, 'x');
    if (options.idle) {
        measure_idle(options);
    } else if (options.variant == "bytes") {
        measure_simple<BytesSerializer>(options, text);
    } else if (options.variant == "struct") {
        measure_simple<JsonSerializer>(options, bench::make_order());
    } else if (options.variant == "fast") {
        measure_simple<FastSerializer>(options, bench::make_order());
    } else if (options.variant == "nlohmann") {
        measure_simple<NlohmannSerializer>(options, text);
    } else if (options.variant == "routes") {
        using RouteClient = communica::RouteClient<communica::AnyConnector>;
        const std::string route = route_name(7);
        measure<RouteClient>(options, text, [&route](RouteClient& client, const std::string& value) {
            return client.request<std::string>(route, value);
        });
    } else if (options.variant == "no_deadline") {
        measure<Client<JsonSerializer>>(options, text, [](Client<JsonSerializer>& client, const std::string& value) {
            return client.request<std::string>(value, {.timeout = std::nullopt});
        });
    } else {
        measure_simple<JsonSerializer>(options, text);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
