#pragma once

#include "../histogram.hpp"
#include "../wire/json_events.hpp"
#include "inspection.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace communica::entities {

namespace detail {

/// Writes a JSON object, key by key. It appends text, because a JSON tree would take every program longer to compile.
class ObjectText {
 public:
    ObjectText& raw(std::string_view key, std::string_view json) {
        text_.append(text_.empty() ? "{\"" : ", \"").append(key).append("\": ").append(json);
        return *this;
    }
    ObjectText& text(std::string_view key, std::string_view value) { return raw(key, wire::quote_json(value)); }
    ObjectText& number(std::string_view key, std::uint64_t value) { return raw(key, std::to_string(value)); }
    ObjectText& seconds(std::string_view key, std::chrono::steady_clock::duration value) {
        return raw(key, std::to_string(std::chrono::duration<double>(value).count()));
    }
    /// Appends the keys of another object.
    ObjectText& join(std::string_view object) {
        text_.append(text_.empty() ? "{" : ", ").append(object.substr(1, object.size() - 2));
        return *this;
    }
    std::string end() const { return text_.empty() ? "{}" : text_ + '}'; }

 private:
    std::string text_;
};

/// Appends an element to the text of a JSON array.
inline void add_element(std::string& array, std::string_view json) {
    array.append(array.empty() ? "[" : ", ").append(json);
}
inline std::string end_array(const std::string& array) { return array.empty() ? "[]" : array + ']'; }

COMMUNICA_INLINE std::string write_route_counters(const peer::RouteCounters& counters) {
    const HistogramSnapshot now = counters.times.snapshot();
    std::string times;
    for (std::size_t bucket = 0; bucket != now.buckets.size(); ++bucket) {
        if (now.buckets[bucket] != 0) {
            std::string pair = "[";  // GCC 12 warns of "[" + a text, optimising
            pair.append(std::to_string(HistogramBuckets::largest_in(bucket))).append(", ");
            pair.append(std::to_string(now.buckets[bucket])).append("]");
            add_element(times, pair);
        }
    }
    return ObjectText()
        .number("requests", counters.requests)
        .number("errors", counters.errors)
        .raw("times", end_array(times))
        .end();
}

COMMUNICA_INLINE std::string write_routes(const peer::Handlers& handlers) {
    std::map<std::string, peer::DescribedHandler> sorted;
    handlers.for_each(
        [&](const std::string& route, const peer::DescribedHandler& described) { sorted.emplace(route, described); });
    std::string routes;
    for (const auto& [name, described] : sorted) {
        ObjectText route;
        route.text("route", name);
        const auto& description = described.description;
        if (description && !description->text.empty()) {
            route.text("doc", description->text);
        }
        if (description && description->types != nullptr) {
            route.join(description->types(description->value_names));
        } else {
            route.text("kind", described.handler->opens_streams() ? "stream" : "request");
        }
        if (described.counters) {
            route.raw("counters", write_route_counters(*described.counters));
        }
        add_element(routes, route.end());
    }
    return end_array(routes);
}

COMMUNICA_INLINE std::string write_limits(const ServerOptions& options) {
    const Limits& limits = options.limits;
    return ObjectText()
        .number("max_message", limits.max_message)
        .number("max_expansion", limits.max_expansion)
        .number("max_metadata", limits.max_metadata)
        .number("max_descriptors", limits.max_descriptors)
        .number("max_descriptors_in_all", limits.max_descriptors_in_all)
        .number("max_requests", limits.max_requests)
        .number("max_inflight_bytes", limits.max_inflight_bytes)
        .number("max_inflight_bytes_in_all", limits.max_inflight_bytes_in_all)
        .number("max_refusals", limits.max_refusals)
        .number("max_unsent", limits.max_unsent)
        .number("max_streams", limits.max_streams)
        .number("stream_window", limits.stream_window)
        .number("max_connections", options.max_connections)
        .number("max_handshakes", options.max_handshakes)
        .number("max_sessions", options.max_sessions)
        .seconds("write_timeout", limits.write_timeout)
        .seconds("liveness_timeout", limits.liveness_timeout)
        .seconds("resume_window", options.resume_window)
        .end();
}

COMMUNICA_INLINE std::string write_counters(const Counters& counters) {
    std::string failures;
    for (const auto& [route, code, count] : counters.failures()) {
        const auto failure =
            ObjectText().text("route", route).text("error", code.message()).number("count", count).end();
        add_element(failures, failure);
    }
    return ObjectText()
        .number("received_requests", counters.received_requests)
        .number("received_notifications", counters.received_notifications)
        .number("sent_answers", counters.sent_answers)
        .number("sent_errors", counters.sent_errors)
        .number("at_work", counters.at_work)
        .number("requests", counters.requests)
        .number("notifications", counters.notifications)
        .number("failed_notifications", counters.failed_notifications)
        .number("unconfirmed_notifications", counters.unconfirmed_notifications)
        .number("answers", counters.answers)
        .number("errors", counters.all_errors())
        .number("unsent", counters.unsent)
        .number("connections", counters.connections)
        .number("reconnects", counters.reconnects)
        .number("bytes_received", counters.bytes_received)
        .number("bytes_sent", counters.bytes_sent)
        .raw("failures", end_array(failures))
        .end();
}

COMMUNICA_INLINE std::string write_clients(const Clients& clients) {
    const auto now = std::chrono::steady_clock::now();
    std::string all;
    for (const auto& [peer, user, since] : clients.connected_clients(max_inspected_clients)) {
        ObjectText client;
        client.text("id", peer->id())
            .number("at_work", peer->responder().at_work())
            .seconds("connected_for", now - since);
        if (user.pid) {
            client.raw("pid", std::to_string(*user.pid));
        }
        if (user.uid) {
            client.raw("uid", std::to_string(*user.uid));
        }
        if (user.sid) {
            client.text("sid", *user.sid);
        }
        if (user.subject) {
            client.text("subject", *user.subject);
        }
        add_element(all, client.end());
    }
    return end_array(all);
}

}  // namespace detail

COMMUNICA_INLINE std::string inspect(const Credentials& who, const ServerOptions& options, const std::string& address,
                                     const peer::Handlers& handlers, const Clients& clients) {
    if (options.introspection == Introspection::off ||
        (options.introspection == Introspection::same_user && !who.is_own)) {
        throw RequesterError("This server does not let itself be inspected by you");
    }
    const bool has_routes = handlers.mode() == peer::Handlers::Mode::routes;
    return detail::ObjectText()
        .text("name", options.name)
        .text("version", options.version)
        .text("address", address)
        .text("mode", has_routes ? "routes" : "simple")
        .raw("routes", has_routes ? detail::write_routes(handlers) : "[]")
        .raw("limits", detail::write_limits(options))
        .raw("counters", options.counters ? detail::write_counters(*options.counters) : "null")
        .number("connected", clients.connected())
        .raw("clients", detail::write_clients(clients))
        .end();
}

}  // namespace communica::entities
