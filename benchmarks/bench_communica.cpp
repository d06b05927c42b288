// The library. Variants:
//
//     json         a string by JsonSerializer, a plain handler
//     bytes        the same bytes by BytesSerializer
//     buffer       the same as a Buffer, whose memory is moved
//     lent         a Buffer in lent memory, which is written anew for each request and answered as it is
//     suspend      json with a coroutine handler that yields once
//     struct       a struct of 1 KiB by JsonSerializer
//     fast         the same by the fast JSON serializer
//     nlohmann     a string by nlohmann's parse and dump only
//     routes       json, RouteClient to RouteServer with 20 routes
//     notify       json, notifications in place of requests
//     burn         json with a handler that uses 100 us of CPU time
//     no_deadline  json, requests without a deadline

#include "communica_exchange.hpp"
#include "record.hpp"

#include <communica/connectors/shared_memory.hpp>

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

static bool is_same(const Order& answer, const Order& value) { return answer.items.size() == value.items.size(); }

}  // namespace bench

namespace {

using communica::BytesSerializer;
using communica::JsonSerializer;
#ifdef BENCH_FAST_JSON
using FastSerializer = communica::FastJsonSerializer;
#else
using FastSerializer = JsonSerializer;
#endif

/// A simple serializer that converts every string by nlohmann/json.
struct NlohmannSerializer {
    void dump(const communica::Nothing&, communica::Buffer& out) const { out.append("null"); }
    void dump(const std::string& value, communica::Buffer& out) const { out.append(nlohmann::json(value).dump()); }

    template <std::same_as<std::string> T>
    T load(communica::Bytes bytes) const {
        return nlohmann::json::parse(communica::as_text(bytes)).get<T>();
    }
};

using Connector =
    communica::AnyConnectorOf<communica::TcpConnector, communica::LocalConnector, communica::SharedMemoryConnector>;

Connector connector_of(const bench::Options& options) {
    if (options.tcp) {
        return communica::TcpConnector("127.0.0.1", static_cast<std::uint16_t>(options.port()));
    }
    const auto slash = options.address.rfind('/');
    const std::string name = options.address.substr(slash + 1);
    const communica::LocalOptions place{.directory = options.address.substr(0, slash)};
    if (options.shared_memory) {
        return communica::SharedMemoryConnector(name, {.local = place});
    }
    return communica::LocalConnector(name, place);
}

// ---- the server ----------------------------------------------------------------------------------------------------

std::string echo(std::string value) { return value; }

communica::Buffer echo_buffer(communica::Buffer value) { return value; }

asio::awaitable<std::string> echo_later(std::string value) {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return value;
}

std::string echo_after_work(std::string value) {
    bench::work_for_100_us();
    return value;
}

bench::Order echo_order(bench::Order order) { return order; }

template <class S, class F>
void serve_simple(const bench::Options& options, F handler) {
    asio::io_context context(options.threads);
    const communica::ServerOptions server_options{.busy_poll = std::chrono::microseconds{options.busy_poll_us}};
    communica::SimpleServer server{context, connector_of(options), handler, S{}, server_options};
    bench::run_server(context, server, options.threads);
}

std::string route_name(int number) { return "shop.orders.route_" + std::to_string(number); }

void serve_routes(const bench::Options& options) {
    asio::io_context context(options.threads);
    communica::RouteTable routes;
    for (int i = 0; i != 20; ++i) {
        routes.add(route_name(i), echo);
    }
    communica::RouteServer server{context, connector_of(options), routes};
    bench::run_server(context, server, options.threads);
}

void serve(const bench::Options& options) {
    if (options.variant == "bytes") {
        serve_simple<BytesSerializer>(options, echo);
    } else if (options.variant == "buffer" || options.variant == "lent") {
        serve_simple<BytesSerializer>(options, echo_buffer);
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
    } else if (options.variant == "notify") {
        serve_simple<JsonSerializer>(options, [](const std::string&) {});
    } else if (options.variant == "burn") {
        serve_simple<JsonSerializer>(options, echo_after_work);
    } else {
        serve_simple<JsonSerializer>(options, echo);
    }
}

// ---- the client ----------------------------------------------------------------------------------------------------

template <class S>
using Client = communica::SimpleClient<Connector, S>;

template <class S, class Value>
void measure_simple(const bench::Options& options, const Value& value) {
    bench::measure<Client<S>>(options, connector_of(options), value,
                              [](Client<S>& client, const Value& v) { return client.template request<Value>(v); });
}

asio::awaitable<void> send_lent(Client<BytesSerializer>& client, std::size_t size, bench::Meter& meter) {
    for (bench::Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        communica::Buffer body = co_await client.lend(size);
        std::memset(body.data(), 'x', size);
        body = co_await client.request<communica::Buffer>(std::move(body));
        if (body.size() != size || body.data()[size - 1] != 'x') {
            bench::fail("not what was sent");
        }
    }
}

void measure_lent(const bench::Options& options) {
    asio::io_context context(1);
    const communica::ClientOptions client_options{.busy_poll = std::chrono::microseconds{options.busy_poll_us}};
    std::deque<Client<BytesSerializer>> clients;
    clients.emplace_back(context, connector_of(options), client_options);
    bench::connect_all(context, clients);
    bench::Meter meter(options);
    asio::co_spawn(context, send_lent(clients.front(), options.size, meter), bench::stop_on_error);
    context.run();
}

void measure_idle(const bench::Options& options) {
    asio::io_context context(1);
    std::deque<Client<JsonSerializer>> clients;
    const auto connect = [&] {
        auto& client = clients.emplace_back(context, connector_of(options));
        client.connect(bench::stop_on_error);
        bool done = false;
        client.request<std::string>("hello", [&done](const std::exception_ptr& error, const std::string&) {
            bench::stop_on_error(error);
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
    } else if (options.variant == "buffer") {
        communica::Buffer buffer;
        buffer.append(text);
        measure_simple<BytesSerializer>(options, buffer);
    } else if (options.variant == "lent") {
        measure_lent(options);
    } else if (options.variant == "struct") {
        measure_simple<JsonSerializer>(options, bench::make_order());
    } else if (options.variant == "fast") {
        measure_simple<FastSerializer>(options, bench::make_order());
    } else if (options.variant == "nlohmann") {
        measure_simple<NlohmannSerializer>(options, text);
    } else if (options.variant == "routes") {
        using RouteClient = communica::RouteClient<Connector>;
        const std::string route = route_name(7);
        bench::measure<RouteClient>(options, connector_of(options), text,
                                    [&route](RouteClient& client, const std::string& value) {
                                        return client.request<std::string>(route, value);
                                    });
    } else if (options.variant == "notify") {
        bench::measure<Client<JsonSerializer>>(
            options, connector_of(options), text,
            [](Client<JsonSerializer>& client, const std::string& value) { return client.notify(value); });
    } else if (options.variant == "no_deadline") {
        bench::measure<Client<JsonSerializer>>(options, connector_of(options), text,
                                               [](Client<JsonSerializer>& client, const std::string& value) {
                                                   return client.request<std::string>(value, {.timeout = std::nullopt});
                                               });
    } else {
        measure_simple<JsonSerializer>(options, text);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
