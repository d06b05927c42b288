// A server that keeps what it logs, and who came to it.
#pragma once

#include "run.hpp"

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

template <class Connector>
class LoggedServer {
 public:
    explicit LoggedServer(Connector connector, communica::RouteTable<> routes = {},
                          communica::ServerOptions options = {}) {
        options.log = [this](communica::LogLevel, std::string_view line) { log += std::string(line) + "\n"; };
        options.on_connect = [this](const std::string& id) { came.push_back(id); };
        routes.add("echo", [](nlohmann::json value) { return value; });
        server_.emplace(context, std::move(connector), std::move(routes), std::move(options));
    }

    /// Runs `body`, a coroutine, while it listens. Nothing may be left to do after it.
    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server_->start();
            co_await body();
            co_await server_->close();
        });
        run_out(context);
    }

    void stop() { server_->stop(); }
    std::string connector_state() const { return server_->connector_state(); }

    asio::awaitable<void> logged(std::string what) {
        return until([this, what = std::move(what)] { return log.find(what) != log.npos; });
    }

    asio::io_context context;
    std::string log;
    std::vector<std::string> came;

 private:
    std::optional<communica::RouteServer<Connector>> server_;
};

}  // namespace test
