// Writes counters in the text format of Prometheus. Not part of communica.hpp.
#pragma once

#include "../counters.hpp"
#include "../histogram.hpp"

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
        sample(name, std::to_string(value), own);
    }
    void sample(std::string_view name, const std::string& value, const Labels& own) {
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
        text_.append(labels.empty() ? "" : labels + "}").append(" ").append(value).append("\n");
    }
    void one(std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
        begin(name, type, help);
        sample(name, value);
    }
    /// Powers of two from 2^`first` to 2^`last`, each 2^`step` times the one before, are the limits of its buckets.
    void histogram(const std::string& name, std::string_view help, const HistogramSnapshot& now, int first, int last,
                   int step, std::string (*write)(std::uint64_t)) {
        begin(name, "histogram", help);
        for (int power = first; power <= last; power += step) {
            const std::uint64_t limit = std::uint64_t{1} << power;
            sample(name + "_bucket", now.count_to(limit), {{"le", write(limit)}});
        }
        sample(name + "_bucket", now.count(), {{"le", "+Inf"}});
        sample(name + "_sum", write(now.sum), {});
        sample(name + "_count", now.count());
    }
    /// 2 to the 10th nanoseconds, 1.024 us, to 2 to the 36th, 68.7 s.
    void times(const std::string& name, std::string_view help, const Histogram& histogram_of_times) {
        histogram(name, help, histogram_of_times.snapshot(), 10, 36, 2, &seconds);
    }
    /// 16 bytes to 1 GiB.
    void sizes(const std::string& name, std::string_view help, const Histogram& histogram_of_sizes) {
        histogram(name, help, histogram_of_sizes.snapshot(), 4, 30, 2,
                  [](std::uint64_t bytes) { return std::to_string(bytes); });
    }

    std::string take() { return std::move(text_); }

 private:
    /// Of nanoseconds, without a digit too many.
    static std::string seconds(std::uint64_t nanoseconds) {
        constexpr std::uint64_t per_second = 1'000'000'000;
        std::string fraction = std::to_string(per_second + nanoseconds % per_second);
        fraction.front() = '.';
        fraction.erase(fraction.find_last_not_of('0') + 1);
        return std::to_string(nanoseconds / per_second) + (fraction == "." ? "" : fraction);
    }

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
    text.one("communica_failed_notifications_total", "counter",
             "Notifications of this side that the other side refused, or whose handler failed there.",
             counters.failed_notifications);
    text.one("communica_unconfirmed_notifications_total", "counter",
             "Notifications of this side whose connection ended before the other side reported that they had ended.",
             counters.unconfirmed_notifications);
    text.one("communica_answers_total", "counter", "Requests of this side that ended with their value.",
             counters.answers);
    text.begin("communica_errors_total", "counter",
               "Requests and notifications of this side that ended with an error.");
    std::uint64_t named = counters.cancelled();
    text.sample("communica_errors_total", counters.cancelled(), {{"error", "cancelled"}});
    for (int code = 1; code <= static_cast<int>(base::last_errc); ++code) {
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
    text.times("communica_request_duration_seconds", "Time from the beginning of each request of this side to its end.",
               counters.request_times);
    text.times("communica_handler_duration_seconds", "Time of the handlers for the other side's requests.",
               counters.handler_times);
    text.sizes("communica_sent_body_bytes", "Sizes of requests, notifications and answers sent.", counters.sent_sizes);
    text.sizes("communica_received_body_bytes", "Sizes of requests, notifications and answers received.",
               counters.received_sizes);
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
