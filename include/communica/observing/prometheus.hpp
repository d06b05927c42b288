// Writes counters in the text format of Prometheus. Not part of communica.hpp.
#pragma once

#include "../counters.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {
namespace observing {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Writes metrics: https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format".
class PrometheusText {
 public:
    explicit PrometheusText(Labels common) : common_(std::move(common)) {}

    void begin(std::string_view name, std::string_view type, std::string_view help) {
        text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
        text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    }
    void sample(std::string_view name, std::uint64_t value, const Labels& own = {}) {
        text_.append(name);
        std::string labels;
        for (const Labels* all : {&std::as_const(common_), &own}) {
            for (const auto& [label, content] : *all) {
                labels.append(labels.empty() ? "{" : ",")
                    .append(label)
                    .append("=\"")
                    .append(escaped(content))
                    .append("\"");
            }
        }
        text_.append(labels.empty() ? "" : labels + "}").append(" ").append(std::to_string(value)).append("\n");
    }
    void one(std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
        begin(name, type, help);
        sample(name, value);
    }
    std::string take() { return std::move(text_); }

 private:
    static std::string escaped(std::string_view content) {
        std::string text;
        for (const char byte : content) {
            if (byte == '\n') {
                text += "\\n";
            } else {
                text.append(byte == '"' || byte == '\\' ? "\\" : "") += byte;
            }
        }
        return text;
    }

    Labels common_;
    std::string text_;
};

}  // namespace observing

/// Returns the counters as metrics whose names begin with `communica_`, for an HTTP endpoint or a file that Prometheus
/// reads. Each metric gets `labels`, pairs of name and value: `{{"server", "calculator"}}`. A label's name must be
/// valid in Prometheus: letters, digits and `_`.
inline std::string to_prometheus(const Counters& counters, observing::Labels labels = {}) {
    observing::PrometheusText text(std::move(labels));
    text.begin("communica_requests_total", "counter", "Requests that this side has asked.");
    text.sample("communica_requests_total", counters.requests);
    text.one("communica_notifications_total", "counter", "Notifications that this side has sent.",
             counters.notifications);
    text.one("communica_answers_total", "counter", "Requests of this side that ended with their value.",
             counters.answers);
    text.begin("communica_errors_total", "counter",
               "Requests and notifications of this side that ended with an error.");
    std::uint64_t named = counters.cancelled();
    text.sample("communica_errors_total", counters.cancelled(), {{"error", "cancelled"}});
    for (int code = 1; code <= static_cast<int>(errc::unknown_error); ++code) {
        const std::uint64_t count = counters.errors(static_cast<errc>(code));
        named += count;
        if (count != 0) {
            text.sample("communica_errors_total", count,
                        {{"error", make_error_code(static_cast<errc>(code)).message()}});
        }
    }
    const std::uint64_t all = counters.all_errors();
    text.sample("communica_errors_total", all > named ? all - named : 0, {{"error", "other"}});
    text.one("communica_unsent", "gauge", "Requests and notifications of this side that wait to be sent.",
             counters.unsent);
    text.one("communica_received_requests_total", "counter", "Requests of the other side.", counters.received_requests);
    text.one("communica_received_notifications_total", "counter", "Notifications of the other side.",
             counters.received_notifications);
    text.one("communica_sent_answers_total", "counter", "Requests of the other side that were answered with a value.",
             counters.sent_answers);
    text.one("communica_sent_errors_total", "counter", "Requests of the other side that were answered with an error.",
             counters.sent_errors);
    text.one("communica_requests_at_work", "gauge", "Coroutine handlers at work for the other side.", counters.at_work);
    text.one("communica_connections_total", "counter", "Connections that got past their handshake.",
             counters.connections);
    text.one("communica_reconnects_total", "counter", "Connections of clients that were connected before.",
             counters.reconnects);
    text.one("communica_received_bytes_total", "counter", "Bytes read.", counters.bytes_received);
    text.one("communica_sent_bytes_total", "counter", "Bytes written.", counters.bytes_sent);
    const auto failures = counters.failures();
    if (!failures.empty()) {
        text.begin("communica_failures_total", "counter", "What failed at this side, by route and error.");
        for (const auto& [route, code, count] : failures) {
            text.sample("communica_failures_total", count, {{"route", route}, {"error", code.message()}});
        }
    }
    return text.take();
}

}  // namespace communica
