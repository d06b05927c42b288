// A small process with which any other implementation of the protocol can be tried (docs/protocol.md, "Trying a peer").
//
//     interop_peer server --connector STATE --mode simple|route
//     interop_peer client --connector STATE --mode simple|route --client-id ID
//
// Prints READY when it listens or is connected, stays until SIGTERM, then closes in order. COMMUNICA_MAX_CHUNK sets
// the bytes that one frame may hold, COMMUNICA_RMQ_CHECK_PERIOD the seconds of RabbitMQ's keep-alive.
#include "connectors.hpp"

#include <communica/communica.hpp>
#include <communica/peer/hello.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Json = nlohmann::json;

struct Arguments {
    std::string role;
    std::string connector;
    std::string mode;
    std::string client_id;
};

Arguments parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const auto value = [&] {
            return i + 1 < argc ? std::string(argv[++i]) : throw std::invalid_argument("no value");
        };
        if (name == "--connector") {
            arguments.connector = value();
        } else if (name == "--mode") {
            arguments.mode = value();
        } else if (name == "--client-id") {
            arguments.client_id = value();
        } else {
            arguments.role = name;
        }
    }
    if ((arguments.role != "server" && arguments.role != "client") ||
        (arguments.mode != "simple" && arguments.mode != "route")) {
        throw std::invalid_argument(
            "usage: interop_peer server|client --connector STATE --mode simple|route [--client-id ID]");
    }
    return arguments;
}

communica::Limits limits() {
    communica::Limits limits;
    if (const char* most = std::getenv("COMMUNICA_MAX_CHUNK")) {
        limits.max_frame = std::stoul(most);
    }
    return limits;
}

/// A case that fails shows what was said last.
void log(communica::LogLevel, std::string_view text) { std::cerr << text << std::endl; }

/// Asks the other side: the client of this id, or for null whoever is there.
using AskBack = std::function<asio::awaitable<Json>(std::string op, Json arguments, Json client_id, bool is_throw)>;

std::size_t count_code_points(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Json describe(const std::system_error& error) {
    const auto described = [&](const char* kind, Json code) {
        return Json{{"error", {{"kind", kind}, {"code", std::move(code)}, {"message", error.what()}}}};
    };
    if (const auto* message = dynamic_cast<const communica::MessageError*>(&error)) {
        const Json code = message->status() ? Json(*message->status()) : Json();
        if (dynamic_cast<const communica::RequesterError*>(message)) {
            return described("req", code);
        }
        if (dynamic_cast<const communica::ResponderError*>(message)) {
            return described("resp", code);
        }
        if (dynamic_cast<const communica::SerializerError*>(message)) {
            return described("data", code);
        }
        return described("unknown", code);
    }
    return described("unknown", {});
}

/// The operations, the same for every role and mode.
class Operations {
 public:
    explicit Operations(AskBack ask) : ask_(std::move(ask)) {}

    static std::vector<std::string> names() {
        return {"echo", "len", "big", "slow", "err", "note", "noted", "who", "call"};
    }

    asio::awaitable<Json> run(std::string op, Json in) {
        if (op == "echo") {
            co_return in.at("v");
        }
        if (op == "len") {
            co_return count_code_points(in.at("v").get_ref<const std::string&>());
        }
        if (op == "big") {
            co_return std::string(in.at("n").get<std::size_t>(), 'b');
        }
        if (op == "slow") {
            asio::steady_timer timer(co_await asio::this_coro::executor,
                                     std::chrono::milliseconds(in.at("ms").get<int>()));
            co_await timer.async_wait(asio::use_awaitable);
            co_return in.at("v");
        }
        if (op == "err") {
            fail(in);
        }
        if (op == "note") {
            noted_.push_back(in.at("v"));
            co_return nullptr;
        }
        if (op == "noted") {
            co_return std::exchange(noted_, Json::array());
        }
        if (op == "who") {
            co_return who_;
        }
        if (op == "call") {
            co_return co_await call(std::move(in));
        }
        throw communica::RequesterError("unknown op \"" + op + "\"", 400);
    }

 private:
    [[noreturn]] static void fail(const Json& in) {
        const auto kind = in.at("kind").get<std::string>();
        const auto message = in.at("message").get<std::string>();
        const auto code =
            in.value("code", Json()).is_null() ? std::nullopt : std::optional(in.at("code").get<std::int64_t>());
        if (kind == "req") {
            throw communica::RequesterError(message, code);
        }
        if (kind == "resp") {
            throw communica::ResponderError(message, code);
        }
        throw std::runtime_error(message);
    }

    asio::awaitable<Json> call(Json in) {
        Json answer;
        try {
            answer["ok"] = co_await ask_(in.at("do").get<std::string>(), in.value("args", Json::object()),
                                         in.value("client_id", Json()), in.value("throw", false));
        } catch (const std::system_error& error) {
            answer = describe(error);
        }
        co_return answer;
    }

    AskBack ask_;
    Json noted_ = Json::array();
    std::string who_ = communica::peer::random_client_id();
};

// How an operation is asked for in the two modes.

template <class Asker>
asio::awaitable<Json> ask_simple(Asker& asker, std::string op, Json arguments, bool is_throw) {
    arguments["op"] = std::move(op);
    if (is_throw) {
        co_await asker.notify(arguments);
        co_return nullptr;
    }
    co_return co_await asker.request(arguments);
}

template <class Asker>
asio::awaitable<Json> ask_route(Asker& asker, std::string op, Json arguments, bool is_throw) {
    if (is_throw) {
        co_await asker.notify(op, arguments);
        co_return nullptr;
    }
    co_return co_await asker.request(op, arguments);
}

auto simple_handler(Operations& operations) {
    return [&operations](Json in) {
        auto op = in.value("op", "");
        return operations.run(std::move(op), std::move(in));
    };
}

communica::RouteTable<> route_table(Operations& operations) {
    communica::RouteTable routes;
    for (const auto& name : Operations::names()) {
        routes.add(name, [&operations, name](Json in) { return operations.run(name, std::move(in)); });
    }
    return routes;
}

/// Says READY once `start` is done, waits for SIGTERM, closes.
template <class Start, class Close>
int live(asio::io_context& context, Start start, Close close) {
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](asio::error_code, int) { close([&](std::exception_ptr) { context.stop(); }); });
    start([](std::exception_ptr failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
        std::cout << "READY" << std::endl;
    });
    context.run();
    return 0;
}

template <class Server, bool simple>
asio::awaitable<Json> ask_client(Server& server, std::string op, Json arguments, Json id, bool is_throw) {
    if constexpr (simple) {
        if (id.is_null()) {
            co_return co_await ask_simple(server, std::move(op), std::move(arguments), is_throw);
        }
        auto client = server.client(id.get<std::string>());
        co_return co_await ask_simple(client, std::move(op), std::move(arguments), is_throw);
    } else {
        if (id.is_null()) {
            co_return co_await ask_route(server, std::move(op), std::move(arguments), is_throw);
        }
        auto client = server.client(id.get<std::string>());
        co_return co_await ask_route(client, std::move(op), std::move(arguments), is_throw);
    }
}

int run_server(const Arguments& arguments) {
    asio::io_context context(1);
    const auto connector = interop::load_connector(arguments.connector, arguments.client_id);
    const communica::ServerOptions options{.limits = limits(), .log = log};
    AskBack ask;
    Operations operations([&ask](auto... given) { return ask(std::move(given)...); });
    const auto serve = [&](auto& server, auto ask_one) {
        ask = [&server, ask_one](std::string op, Json in, Json id, bool is_throw) {
            return ask_one(server, std::move(op), std::move(in), std::move(id), is_throw);
        };
        return live(context, [&](auto token) { server.start(token); }, [&](auto token) { server.close(token); });
    };
    if (arguments.mode == "simple") {
        communica::SimpleServer server{context, connector, simple_handler(operations), options};
        return serve(server, ask_client<decltype(server), true>);
    }
    communica::RouteServer server{context, connector, route_table(operations), options};
    return serve(server, ask_client<decltype(server), false>);
}

int run_client(const Arguments& arguments) {
    asio::io_context context(1);
    const auto connector = interop::load_connector(arguments.connector, arguments.client_id);
    const communica::ClientOptions options{.client_id = arguments.client_id, .limits = limits(), .log = log};
    AskBack ask;
    Operations operations([&ask](auto... given) { return ask(std::move(given)...); });
    const auto serve = [&](auto& client, auto ask_server) {
        ask = [&client, ask_server](std::string op, Json in, Json, bool is_throw) {
            return ask_server(client, std::move(op), std::move(in), is_throw);
        };
        return live(context, [&](auto token) { client.connect(token); }, [&](auto token) { client.close(token); });
    };
    if (arguments.mode == "simple") {
        communica::SimpleClient client{context, connector, simple_handler(operations), options};
        return serve(client, ask_simple<decltype(client)>);
    }
    communica::RouteClient client{context, connector, route_table(operations), options};
    return serve(client, ask_route<decltype(client)>);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Arguments arguments = parse(argc, argv);
        return arguments.role == "server" ? run_server(arguments) : run_client(arguments);
    } catch (const std::exception& error) {
        std::cerr << "interop_peer: " << error.what() << '\n';
        return 2;
    }
}
