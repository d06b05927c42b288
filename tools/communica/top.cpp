// top

#include "client.hpp"
#include "output.hpp"

#include <communica/plain_text.hpp>

#include <asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace tool {

namespace {

using nlohmann::json;

/// Of a table that is not shown on a screen.
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// The counters of a route: totals, or the difference of two totals.
struct RouteCounts {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::map<std::uint64_t, std::uint64_t> times;  // by nanoseconds

    /// What was added since. All of it, if the server has restarted meanwhile.
    RouteCounts since(const RouteCounts& before) const {
        if (before.requests > requests) {
            return *this;
        }
        RouteCounts added = *this;
        added.requests -= before.requests;
        added.errors -= std::min(before.errors, errors);
        for (const auto& [nanoseconds, count] : before.times) {
            std::uint64_t& left = added.times[nanoseconds];
            left -= std::min(count, left);
        }
        return added;
    }

    /// In seconds; nothing without requests.
    std::optional<double> percentile(double part) const {
        std::uint64_t all = 0;
        for (const auto& [nanoseconds, count] : times) {
            all += count;
        }
        const double wanted = part * static_cast<double>(all);
        std::uint64_t seen = 0;
        for (const auto& [nanoseconds, count] : times) {
            seen += count;
            if (seen != 0 && static_cast<double>(seen) >= wanted) {
                return static_cast<double>(nanoseconds) * 1e-9;
            }
        }
        return std::nullopt;
    }
};

using Routes = std::map<std::string, RouteCounts>;

/// What a server says at one moment.
struct Picture {
    std::string name;
    std::uint64_t clients = 0;  // without this one
    std::uint64_t at_work = 0;
    Routes routes;
    std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
};

Picture picture_of(const json& said) {
    if (said.value("mode", "") != "routes") {
        throw std::system_error(communica::errc::not_supported, "the server has no routes");
    }
    if (!said.contains("counters") || !said.at("counters").is_object()) {
        throw std::system_error(communica::errc::not_supported,
                                "the server counts nothing: its ServerOptions::counters is not set");
    }
    Picture now;
    now.name = said.value("name", "");
    now.clients = std::max<std::uint64_t>(said.value("connected", std::uint64_t{1}), 1) - 1;
    now.at_work = said.at("counters").value("at_work", std::uint64_t{0});
    for (const json& route : said.at("routes")) {
        const json counters = route.value("counters", json::object());
        RouteCounts& counts = now.routes[route.at("route").get<std::string>()];
        counts.requests = counters.value("requests", std::uint64_t{0});
        counts.errors = counters.value("errors", std::uint64_t{0});
        for (const json& bucket : counters.value("times", json::array())) {
            counts.times[bucket.at(0).get<std::uint64_t>()] = bucket.at(1).get<std::uint64_t>();
        }
    }
    return now;
}

constexpr std::array percentiles{std::pair{"p50", 0.5}, std::pair{"p90", 0.9}, std::pair{"p99", 0.99},
                                 std::pair{"p100", 1.0}};

/// The routes of an interval: the most asked first.
std::vector<std::pair<std::string, RouteCounts>> busiest(const Picture& before, const Picture& now) {
    std::vector<std::pair<std::string, RouteCounts>> routes;
    for (const auto& [route, counts] : now.routes) {
        const auto earlier = before.routes.find(route);
        routes.emplace_back(route, earlier == before.routes.end() ? counts : counts.since(earlier->second));
    }
    std::stable_sort(routes.begin(), routes.end(),
                     [](const auto& a, const auto& b) { return a.second.requests > b.second.requests; });
    return routes;
}

json json_of(const Picture& before, const Picture& now) {
    const double seconds = std::chrono::duration<double>(now.time - before.time).count();
    json routes = json::array();
    for (const auto& [route, counts] : busiest(before, now)) {
        json entry{{"route", route},
                   {"requests_per_second", static_cast<double>(counts.requests) / seconds},
                   {"errors_per_second", static_cast<double>(counts.errors) / seconds}};
        for (const auto& [name, part] : percentiles) {
            const auto time = counts.percentile(part);
            entry[name] = time ? json(*time) : json();
        }
        routes.push_back(std::move(entry));
    }
    return {{"name", now.name},
            {"seconds", seconds},
            {"clients", now.clients},
            {"at_work", now.at_work},
            {"routes", std::move(routes)}};
}

std::string rate_text(double per_second) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), per_second < 9.95 ? "%.1f/s" : "%.0f/s", per_second);
    return text.data();
}

/// The text with its lines cut where they are longer.
std::string cut(const std::string& text, std::size_t line_width) {
    std::istringstream lines(text);
    std::string all;
    for (std::string line; std::getline(lines, line);) {
        all.append(communica::base::shortened(line, line_width)).append(1, '\n');
    }
    return all;
}

/// The table fits a screen of this size. Names of routes are cut first, then lines, then routes left out.
std::string table_of(const Picture& before, const Picture& now, std::size_t line_width, std::size_t height) {
    const double seconds = std::chrono::duration<double>(now.time - before.time).count();
    constexpr std::size_t numbers_width = 64;
    const std::size_t widest = line_width > numbers_width ? std::max<std::size_t>(line_width - numbers_width, 8) : 8;
    std::size_t width = 8;
    for (const auto& [route, counts] : now.routes) {
        width = std::max(width, communica::base::without_controls(route).size() + 2);
    }
    width = std::min(width, widest);
    std::string text = (now.name.empty() ? "a server" : communica::base::without_controls(now.name)) + ": " +
                       std::to_string(now.clients) + " clients, " + std::to_string(now.at_work) + " at work\n";
    text += padded("route", width) + padded("requests", 12) + padded("errors", 12);
    for (const char* const name : {"50 %", "90 %", "99 %"}) {
        text += padded(name, 10);
    }
    text += "100 %\n";
    const auto routes = busiest(before, now);
    const std::size_t lines = height > 4 ? height - 3 : 1;  // the last line stays free for the cursor
    const std::size_t shown = routes.size() > lines ? std::max<std::size_t>(lines - 1, 1) : routes.size();
    for (std::size_t index = 0; index != shown; ++index) {
        const auto& [route, counts] = routes[index];
        const std::string name = communica::base::without_controls(route);
        text += padded(std::string(communica::base::shortened(name, width - 1)), width);
        text += padded(rate_text(static_cast<double>(counts.requests) / seconds), 12);
        text += padded(rate_text(static_cast<double>(counts.errors) / seconds), 12);
        std::string times;
        for (const auto& [percentile, part] : percentiles) {
            const auto time = counts.percentile(part);
            times += padded(time ? time_text(*time) : "-", 10);
        }
        text += times.erase(times.find_last_not_of(' ') + 1) + '\n';
    }
    if (shown != routes.size()) {
        text += "and " + std::to_string(routes.size() - shown) + " more routes\n";
    }
    return cut(text, line_width);
}

// The options live in main.
// NOLINTBEGIN(*-reference-coroutine-parameters)

asio::awaitable<Picture> take_picture(Client& client, double timeout) {
    const communica::RequestOptions request{.timeout = in_seconds(timeout), .wait_for_connection = false};
    const json said = co_await client.inspect(request);
    try {
        co_return picture_of(said);
    } catch (const json::exception& e) {
        throw std::system_error(communica::errc::protocol_error,
                                std::string("its inspection is malformed: ") + e.what());
    }
}

asio::awaitable<int> watch_routes(const Common& common, const TopOptions& options, Address address, bool is_screen) {
    auto client = co_await connect(common, address);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    Picture before = co_await take_picture(*client, common.connect_timeout);
    do {
        timer.expires_after(in_seconds(options.interval));
        co_await timer.async_wait(asio::use_awaitable);
        Picture now = co_await take_picture(*client, common.connect_timeout);
        if (common.json) {
            std::cout << json_text(json_of(before, now), 2) << std::endl;
        } else {
            const auto [width, height] = is_screen ? screen_size() : std::pair(no_limit, no_limit);
            std::cout << (is_screen ? "\033[H\033[2J" : "") << table_of(before, now, width, height) << std::flush;
        }
        before = std::move(now);
    } while (is_screen);
    co_await client->close();
    co_return succeeded;
}

// NOLINTEND(*-reference-coroutine-parameters)

}  // namespace

int run_top(const Common& common, const TopOptions& options) {
    asio::io_context context;
    const bool is_screen = !options.once && !common.json && ::isatty(STDOUT_FILENO) != 0;
    return run(context, watch_routes(common, options, parse_address(options.address, common.access), is_screen));
}

}  // namespace tool
