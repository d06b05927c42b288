// guarding TCP|TLS KEY: a server for those alone who have the key. Says `READY` and the state of a connector to it.
#include "support/certificates.hpp"
#include "support/mixed_requests.hpp"
#include "support/program.hpp"

#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>

namespace {

template <class Server>
asio::awaitable<void> serve(Server& server) {
    co_await server.start();
    test::say("READY " + server.connector_state());
    co_await test::input_ended();
    co_await server.close();
}

template <class Connector>
int guard(Connector connector, const char* key) {
    asio::io_context context;
    int notes = 0;
    communica::RouteServer server(context, with_key(std::move(connector), communica::SharedKey(key)),
                                  test::mixed_routes(notes));
    return test::run_program(context, serve(server));
}

}  // namespace

int main(int, char** argv) {
    if (std::string(argv[1]) == "TCP") {
        return guard(communica::TcpConnector("127.0.0.1", 0), argv[2]);
    }
    asio::ssl::context context(asio::ssl::context::tls);
    test::Certificate({.common_name = "guarding"}).show_in(context);
    return guard(communica::TlsConnector("127.0.0.1", 0, std::move(context)), argv[2]);
}
