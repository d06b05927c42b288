// A server and a client of it, connected and, at the end, closed.
#pragma once

#include "check_awaited.hpp"
#include "run.hpp"
#include "transports.hpp"

#include <communica/communica.hpp>

#include <optional>
#include <string>
#include <utility>

namespace test {

using Routes = communica::RouteTable<>;
using RouteServer = communica::RouteServer<TestConnector>;
using RouteClient = communica::RouteClient<TestConnector>;

/// A client that is called `id` and comes back at once.
inline communica::ClientOptions quick_client(std::string id = "client") {
    communica::ClientOptions options;
    options.client_id = std::move(id);
    options.backoff = communica::BackoffOptions{.first = 2ms, .most = 20ms};
    return options;
}

class RoutePair {
 public:
    explicit RoutePair(Transport transport, const Routes& at_server = {}, Routes at_client = {})
        : meeting(transport), server(context, meeting.at_server(), at_server), client_routes_(std::move(at_client)) {}

    /// Runs `body`, a coroutine, between the connecting and the closing. Nothing may be left to do after it.
    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            client_.emplace(context, meeting.at_client(server), client_routes_, quick_client());
            co_await client_->connect();
            co_await body();
            co_await client_->close();
            co_await server.close();
        });
        run_out(context);
    }

    RouteClient& client() { return *client_; }

    asio::io_context context;
    Meeting meeting;
    RouteServer server;

 private:
    Routes client_routes_;
    std::optional<RouteClient> client_;
};

}  // namespace test
