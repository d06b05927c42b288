// guarding TCP|TLS KEY: a server for those alone who have the key. Says `READY` and the state of a connector to it.
#include "support/mixed_requests.hpp"
#include "support/program.hpp"

#include <communica/connectors/keyed.hpp>
#include <tls_transport.hpp>

namespace {

template <class Server>
asio::awaitable<void> serve(Server& server) {
    co_await server.start();
    test::say("READY " + server.connector_state());
    co_await test::input_ended();
    co_await server.close();
}

test::TestConnector connector_of(const std::string& transport) {
    if (transport == "TCP") {
        return communica::TcpConnector("127.0.0.1", 0);
    }
    asio::ssl::context context(asio::ssl::context::tls);
    test::Certificate({.common_name = "guarding"}).show_in(context);
    return communica::TlsConnector("127.0.0.1", 0, std::move(context));
}

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    int notes = 0;
    const test::TestConnector connector = connector_of(argv[1]);
    communica::RouteServer server(context, with_key(connector, communica::SharedKey(argv[2])),
                                  test::mixed_routes(notes));
    return test::run_program(context, serve(server));
}
