// A key-value store whose clients watch values. key_value_client is one of them. Runs until Ctrl-C.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "key_value.hpp"

// A topic keeps the last items for new subscribers: of a value only the current one.
class Store {
 public:
    void set(const std::string& key, const std::string& value) {
        topic_of(key).publish(value);
        changes_.publish(key + " = " + value);
    }
    Texts watch(const std::string& key, communica::Context& context) {
        // A client that is behind needs no old values.
        return topic_of(key).follow(context, communica::SlowSubscriber::latest);
    }
    Texts changes(communica::Context& context) { return changes_.follow(context); }

 private:
    communica::Topic<std::string>& topic_of(const std::string& key) {
        constexpr std::size_t max_keys = 1000;
        if (values_.size() == max_keys && !values_.contains(key)) {
            throw communica::RequesterError("the store is full", 507);
        }
        return values_.try_emplace(key, communica::TopicOptions{.history = 1}).first->second;
    }

    std::map<std::string, communica::Topic<std::string>> values_;
    communica::Topic<std::string> changes_{{.history = 10}};
};

asio::awaitable<void> serve(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    Store store;
    communica::RouteTable routes;
    routes.add(set_route, [&](const std::string& key, const std::string& value) { store.set(key, value); });
    routes.add(watch_route,
               [&](const std::string& key, communica::Context& context) { return store.watch(key, context); });
    routes.add(changes_route, [&](communica::Context& context) { return store.changes(context); });

    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    std::cout << "listening on " << server.address() << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"key_value"};
    asio::io_context context;
    asio::co_spawn(context, serve(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
