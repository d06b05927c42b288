// The library over TLS. Variants:
//
//     json   a string by JsonSerializer
//     key    the same over plain TCP with a shared key

#include "communica_exchange.hpp"
#include "tls.hpp"

#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>

namespace {

using namespace bench;
using communica::TcpConnector;
using communica::TlsConnector;

template <class Connector>
void serve_at(const Connector& connector) {
    asio::io_context context(1);
    communica::SimpleServer server{context, connector, [](std::string value) { return value; }};
    run_server(context, server, 1);
}

template <class Connector>
void ask_at(const Options& options, const Connector& connector) {
    using Client = communica::SimpleClient<Connector>;
    measure<Client>(options, connector, std::string(options.size, 'x'), [](Client& client, const std::string& value) {
        return client.template request<std::string>(value);
    });
}

auto keyed(const Options& options) {
    return with_key(TcpConnector("127.0.0.1", static_cast<std::uint16_t>(options.port())),
                    communica::SharedKey("0123456789abcdef"));
}
TlsConnector tls(const Options& options, asio::ssl::context context) {
    return {"127.0.0.1", static_cast<std::uint16_t>(options.port()), std::move(context), {.verify_server = false}};
}

void serve(const Options& options) {
    if (options.variant == "key") {
        serve_at(keyed(options));
    } else {
        serve_at(tls(options, server_context()));
    }
}

void ask(const Options& options) {
    if (options.variant == "key") {
        ask_at(options, keyed(options));
    } else {
        ask_at(options, tls(options, asio::ssl::context(asio::ssl::context::tls)));
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
