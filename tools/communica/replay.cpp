// replay: the requests of a recording once more; and the recording's form

#include "client.hpp"
#include "output.hpp"
#include "recording.hpp"

#include <communica/serializers/json.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <map>
#include <vector>

namespace tool {

using nlohmann::json;

std::string recording_head() { return R"({"communica_tap": 1})"; }

bool is_recording_head(const std::string& line) {
    const json head = json::parse(line, nullptr, false);
    return head.is_object() && head.value("communica_tap", 0) == 1;
}

std::string write_recorded(const Recorded& message) {
    json line;
    line["t"] = message.seconds;
    line["c"] = message.connection;
    line["from"] = message.from_client ? "client" : "server";
    line["metadata"] = message.metadata;
    try {
        line["body"] = message.body;
        return line.dump();
    } catch (const json::type_error&) {  // it is no UTF-8
        line.erase("body");
    }
    communica::Buffer base64;
    const auto* const bytes = reinterpret_cast<const std::byte*>(message.body.data());
    communica::JsonSerializer().dump(std::vector<std::byte>(bytes, bytes + message.body.size()), base64);
    line["base64"] = json::parse(base64.text());
    return line.dump();
}

Recorded read_recorded(const std::string& text) {
    try {
        const json line = json::parse(text);
        Recorded message{line.at("t"), line.at("c"), line.at("from") == "client", line.at("metadata"),
                         line.value("body", "")};
        if (line.contains("base64")) {
            const auto bytes =
                communica::JsonSerializer().load<std::vector<std::byte>>(communica::as_bytes(line.at("base64").dump()));
            message.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        }
        return message;
    } catch (const json::exception& e) {
        throw std::system_error(communica::errc::invalid_argument,
                                std::string("this is no line of a recording: ") + e.what());
    }
}

namespace {

/// Requests that wait for their answers.
constexpr std::size_t max_waiting = 1024;

struct Progress {
    std::size_t sent = 0;
    std::size_t notified = 0;
    std::size_t answered = 0;
    std::size_t left_out = 0;
    std::size_t waiting = 0;
    std::map<std::string, std::size_t> errors;
    double longest = 0;
};

// Both live in the coroutine that waits for all of these.
// NOLINTNEXTLINE(*-reference-coroutine-parameters)
asio::awaitable<void> ask(Client& client, std::string route, std::string body, Progress& progress) {
    const auto began = std::chrono::steady_clock::now();
    try {
        co_await client.request<std::string>(route, body);
        ++progress.answered;
    } catch (...) {
        ++progress.errors[communica::Error::from(std::current_exception()).text()];
    }
    progress.longest =
        std::max(progress.longest, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    --progress.waiting;
}

void print(const Common& common, const Progress& progress, double seconds) {
    if (common.json) {
        const json said{{"requests", progress.sent},          {"answered", progress.answered},
                        {"notifications", progress.notified}, {"left_out", progress.left_out},
                        {"errors", progress.errors},          {"seconds", seconds},
                        {"longest", progress.longest}};
        std::cout << json_text(said) << std::endl;
        return;
    }
    std::cout << progress.sent << " requests, " << progress.answered << " answered, " << progress.notified
              << " notifications in " << time_text(seconds) << "; the longest took " << time_text(progress.longest)
              << '\n';
    for (const auto& [error, count] : progress.errors) {
        std::cout << "  " << count << " x " << communica::base::without_controls(error) << '\n';
    }
    if (progress.left_out != 0) {
        std::cout << progress.left_out << " messages left out: of streams, or a server's own\n";
    }
    std::cout << std::flush;
}

// The options live in main.
// NOLINTNEXTLINE(*-reference-coroutine-parameters)
asio::awaitable<int> replay(const Common& common, const ReplayOptions& options, Address target) {
    const auto executor = co_await asio::this_coro::executor;
    std::ifstream file(options.file);
    std::string line;
    if (!file || !std::getline(file, line) || !is_recording_head(line)) {
        throw std::system_error(communica::errc::invalid_argument, options.file + " is no recording of communica tap");
    }
    auto client = co_await connect(common, target);
    Progress progress;
    asio::steady_timer timer(executor);
    communica::wire::MetadataReader reader;
    const auto began = std::chrono::steady_clock::now();
    double first = -1;
    while (std::getline(file, line)) {
        const Recorded message = read_recorded(line);
        const auto metadata = reader.read(message.metadata);
        using communica::wire::MessageType;
        const bool is_request = metadata.type == MessageType::request;
        if (!message.from_client || (!is_request && metadata.type != MessageType::notification)) {
            progress.left_out += metadata.is_answer() ? 0 : 1;
            continue;
        }
        const std::string route(metadata.route.value_or(""));
        first = first < 0 ? message.seconds : first;
        if (options.speed != 0) {
            timer.expires_at(began + in_seconds((message.seconds - first) / options.speed));
            co_await timer.async_wait(asio::use_awaitable);
        }
        while (progress.waiting >= max_waiting) {
            timer.expires_after(std::chrono::milliseconds{1});
            co_await timer.async_wait(asio::use_awaitable);
        }
        if (is_request) {
            ++progress.sent;
            ++progress.waiting;
            asio::co_spawn(executor, ask(*client, route, message.body, progress), asio::detached);
        } else {
            ++progress.notified;
            co_await client->notify(route, message.body);
        }
    }
    while (progress.waiting != 0) {
        timer.expires_after(std::chrono::milliseconds{1});
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_await client->close();
    print(common, progress, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    co_return progress.errors.empty() ? succeeded : failed;
}

}  // namespace

int run_replay(const Common& common, const ReplayOptions& options) {
    asio::io_context context;
    return run(context, replay(common, options, parse_address(options.target, common.access)));
}

}  // namespace tool
