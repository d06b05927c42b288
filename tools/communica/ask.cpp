// call, notify, watch

#include "client.hpp"
#include "output.hpp"

#include <communica/peer/streams/subscription.hpp>

#include <asio/signal_set.hpp>

#include <csignal>
#include <iostream>
#include <iterator>

namespace tool {

namespace {

std::string value_of(const AskOptions& options) {
    const std::string json = options.value != "-" ? options.value.value_or("null")
                                                  : std::string(std::istreambuf_iterator<char>(std::cin), {});
    return encode(options.format, json);
}

std::vector<communica::Header> headers_of(const AskOptions& options) {
    std::vector<communica::Header> headers;
    for (const std::string& header : options.headers) {
        const auto equals = header.find('=');
        if (equals == header.npos) {
            throw std::system_error(communica::errc::invalid_argument, "--header is NAME=TEXT, not " + header);
        }
        headers.push_back({std::string_view(header).substr(0, equals), std::string_view(header).substr(equals + 1)});
    }
    return headers;
}

/// What is sent, and how.
class Question {
 public:
    explicit Question(const AskOptions& asked) : value(value_of(asked)), headers_(headers_of(asked)) {
        options.headers = headers_;
        options.wait_for_connection = false;
        options.timeout.reset();
        if (asked.timeout != 0) {
            options.timeout = in_seconds(asked.timeout);
        }
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    const std::string value;
    communica::RequestOptions options;

 private:
    const std::vector<communica::Header> headers_;
};

void print(const AskOptions& options, const std::string& bytes) {
    std::cout << decode(options.format, bytes) << std::endl;
}

// The options live in main.
// NOLINTBEGIN(*-reference-coroutine-parameters)

asio::awaitable<int> call(const Common& common, const AskOptions& options, Address address) {
    const Question question(options);
    auto client = co_await connect(common, address);
    for (std::size_t count = 0; count != options.repeat; ++count) {
        const std::string answer =
            co_await client->request<std::string>(options.route, question.value, question.options);
        print(options, answer);
    }
    co_await client->close();
    co_return succeeded;
}

asio::awaitable<int> notify(const Common& common, const AskOptions& options, Address address) {
    const Question question(options);
    auto client = co_await connect(common, address);
    for (std::size_t count = 0; count != options.repeat; ++count) {
        co_await client->notify(options.route, question.value, question.options);
    }
    bool flushes = true;
    try {
        co_await client->flush(question.options);
    } catch (const std::system_error& e) {
        if (e.code() != communica::errc::not_supported) {
            throw;
        }
        flushes = false;
    }
    co_await client->close();
    if (common.json) {
        std::cout << json_text({{"confirmed", flushes}}) << std::endl;
    } else if (!flushes) {
        std::cerr << "sent; the other side does not say whether it has arrived" << std::endl;
    }
    co_return succeeded;
}

using ItemRoute = communica::Route<communica::Stream<std::string>(std::string), communica::BytesSerializer>;

/// Prints what `next()` brings until there is no more, or enough. `last` is the item printed last.
template <class Source>
asio::awaitable<void> print_all(Source& source, const AskOptions& options, std::string& last) {
    for (std::size_t count = 0; !options.count || count != *options.count; ++count) {
        auto item = co_await source.next();
        if (!item) {
            co_return;
        }
        last = std::move(*item);
        print(options, last);
    }
}

/// The place of a topic's item, if it is one: bytes are no `Published`, whose token a subscription sends by itself.
std::string token_of(const AskOptions& options, const std::string& item) {
    const auto json = nlohmann::json::parse(item.empty() ? "" : decode(options.format, item), nullptr, false);
    if (!json.is_object() || !json.contains("value") || !json.contains("token") || !json["token"].is_string()) {
        return "";
    }
    return json["token"].get<std::string>();
}

asio::awaitable<communica::Stream<std::string>> open_after(std::string token, Client& client, const ItemRoute& route,
                                                           const Question& question) {
    std::vector<communica::Header> headers(question.options.headers.begin(), question.options.headers.end());
    if (!token.empty()) {
        headers.push_back({communica::peer::resume_header, token});
    }
    communica::RequestOptions options;
    options.headers = headers;
    options.timeout.reset();
    co_return co_await client.open(route, question.value, options);
}

asio::awaitable<int> watch(const Common& common, const AskOptions& options, Address address) {
    const Question question(options);
    const ItemRoute route(options.route.c_str());
    auto client = co_await connect(common, address);
    std::string last;
    if (options.reopen) {
        communica::Subscription<std::string> items(client->get_executor(), [&](const std::string&) {
            return open_after(token_of(options, last), *client, route, question);
        });
        co_await print_all(items, options, last);
    } else {
        auto items = co_await client->open(route, question.value, question.options);
        co_await print_all(items, options, last);
    }
    co_await client->close();
    co_return succeeded;
}

// NOLINTEND(*-reference-coroutine-parameters)

}  // namespace

int run_call(const Common& common, const AskOptions& options) {
    asio::io_context context;
    return run(context, call(common, options, parse_address(options.address, common.access)));
}

int run_notify(const Common& common, const AskOptions& options) {
    asio::io_context context;
    return run(context, notify(common, options, parse_address(options.address, common.access)));
}

int run_watch(const Common& common, const AskOptions& options) {
    asio::io_context context;
    return run(context, watch(common, options, parse_address(options.address, common.access)));
}

}  // namespace tool
