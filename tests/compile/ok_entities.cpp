#include "compile/prelude.hpp"

void test(asio::io_context& context, asio::any_io_executor executor, std::uint16_t port, const Table& routes) {
    const communica::TcpConnector tcp{"localhost", port};
    const auto handler = [](int x) { return x; };

    communica::SimpleServer of_context{context, tcp, handler};
    communica::SimpleServer of_executor{executor, tcp, [](int) {}};
    communica::SimpleServer with_options{executor, tcp, handler, {.handshake_timeout = 1s}};
    communica::SimpleServer with_named_options{executor, tcp, handler,
                                               communica::ServerOptions{.handshake_timeout = 1s}};
    communica::SimpleServer with_all{executor, tcp, handler, OtherSerializer{}, {.handshake_timeout = 1s}};
    static_assert(
        std::is_same_v<decltype(with_all), communica::SimpleServer<communica::TcpConnector, OtherSerializer>>);

    communica::SimpleClient plain{executor, tcp};
    communica::SimpleClient named{executor, tcp, {.client_id = "x"}};
    communica::SimpleClient other{executor, tcp, OtherSerializer{}};
    communica::SimpleClient answering{executor, tcp, handler, {.client_id = "x"}};

    communica::RouteServer of_table{executor, communica::LocalConnector{"c"}, routes};
    communica::RouteServer again{executor, tcp, routes};
    communica::RouteServer of_temporary{executor, tcp, communica::RouteTable{}};
    communica::RouteServer of_other{executor, tcp, communica::RouteTable{OtherSerializer{}}};
    static_assert(std::is_same_v<decltype(of_other), communica::RouteServer<communica::TcpConnector, OtherSerializer>>);
    communica::RouteClient client{executor, tcp};
    communica::RouteClient named_client{executor, tcp, communica::ClientOptions{.client_id = "x"}};
}

void test(asio::any_io_executor executor, const communica::AnyConnector& any) {
    communica::SimpleServer server{executor, any, [](int x) { return x; }};
    communica::RouteClient client{executor, any};
}
