// A server and clients that meet through a broker.
#pragma once

#include "broker.hpp"
#include "check_awaited.hpp"
#include "pair.hpp"
#include "run.hpp"
#include "system.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/rabbitmq.hpp>

#include <optional>
#include <string>
#include <utility>

namespace test {

using RmqServer = communica::RouteServer<communica::RmqConnector>;
using RmqClient = communica::RouteClient<communica::RmqConnector>;

/// An address that no other test has.
inline std::string unique_address() {
    static int count = 0;
    return "tests-" + std::to_string(own_process_id()) + "-" + std::to_string(++count);
}

/// A place at a broker where servers and clients meet.
class RabbitmqMeeting {
 public:
    explicit RabbitmqMeeting(std::string url = shared_broker().url(), communica::RmqOptions options = {})
        : url_(std::move(url)), options_(std::move(options)) {}

    const std::string& address() const noexcept { return address_; }
    const std::string& url() const noexcept { return url_; }

    communica::RmqConnector at_server() const { return at_client({}); }
    communica::RmqConnector at_client(std::string id) const {
        return {url_, address_, std::move(id), "communica", options_};
    }

    std::string queue_to_client(const std::string& id) const { return "communica." + address_ + ".toClient." + id; }
    std::string queue_to_server(const std::string& id) const { return "communica." + address_ + ".toServer." + id; }

 private:
    std::string url_;
    std::string address_ = unique_address();
    communica::RmqOptions options_;
};

inline Routes echoing() {
    Routes routes;
    routes.add("echo", [](std::string text) { return text; });
    return routes;
}

/// A client there gets an answer of a server there.
inline void ask_at(const RabbitmqMeeting& meeting) {
    asio::io_context context;
    RmqServer server(context, meeting.at_server(), echoing());
    RmqClient client(context, meeting.at_client("one"), quick_client());
    run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        CHECK_AWAITED("hello", client.request<std::string>("echo", "hello"));
        co_await client.close();
        co_await server.close();
    });
    run_out(context);
}

/// Why a server can't be started there.
inline communica::Error starting_at(const RabbitmqMeeting& meeting) {
    asio::io_context context;
    communica::Error error;
    run(context, [&]() -> asio::awaitable<void> {
        RmqServer server(context, meeting.at_server(), echoing());
        error = co_await error_of(server.start());
    });
    run_out(context);
    return error;
}

inline bool queue_exists(Broker& broker, const std::string& name) {
    return broker.evaluate("element(1, rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"" + name +
                           "\">>)))") == "ok";
}

/// `rabbit_classic_queue` or `rabbit_quorum_queue`.
inline std::string queue_type(Broker& broker, const std::string& name) {
    return broker.evaluate("amqqueue:get_type(element(2, rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"" +
                           name + "\">>))))");
}

/// How many AMQP connections the broker has.
inline int connection_count(Broker& broker) {
    return std::stoi(broker.evaluate("length(rabbit_networking:local_connections())"));
}

}  // namespace test
