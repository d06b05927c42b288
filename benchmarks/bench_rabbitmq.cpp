// The library through a RabbitMQ broker, whose URL is the address: a string by JsonSerializer.

#include "communica_exchange.hpp"

#include <communica/connectors/rabbitmq.hpp>

namespace {

using namespace bench;
using communica::RmqConnector;

void serve(const Options& options) {
    asio::io_context context(1);
    communica::SimpleServer server{context, RmqConnector{options.address, "bench"},
                                   [](std::string value) { return value; }};
    run_server(context, server, 1);
}

void ask(const Options& options) {
    using Client = communica::SimpleClient<RmqConnector>;
    measure<Client>(options, RmqConnector{options.address, "bench", "client"}, std::string(options.size, 'x'),
                    [](Client& client, const std::string& value) { return client.request<std::string>(value); });
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
