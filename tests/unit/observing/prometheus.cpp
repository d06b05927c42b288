#include "support/catch.hpp"

#include <communica/observing/prometheus.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

namespace prometheus_tests {

using communica::Counters;
using communica::errc;

TEST_CASE("counters are written as Prometheus reads them") {
    Counters counters;
    counters.requests = 7;
    counters.at_work = 2;
    counters.count_error(errc::timeout);
    counters.count_error(std::make_error_code(std::errc::io_error));
    counters.count_failure("di\"vi\\de\n", errc::busy);
    const std::string text = communica::to_prometheus(counters, {{"server", "calculator"}});
    const auto has = [&](const std::string& line) { return text.find("\n" + line + "\n") != text.npos; };
    CHECK(has("# TYPE communica_requests_total counter"));
    CHECK(has("communica_requests_total{server=\"calculator\"} 7"));
    CHECK(has("communica_requests_at_work{server=\"calculator\"} 2"));
    CHECK(has("communica_errors_total{server=\"calculator\",error=\"the deadline passed\"} 1"));
    CHECK(has("communica_errors_total{server=\"calculator\",error=\"other\"} 1"));
    CHECK(
        has("communica_failures_total{server=\"calculator\",route=\"di\\\"vi\\\\de\\n\",error=\"the other side is "
            "busy\"} 1"));
    CHECK(communica::to_prometheus(Counters()).find('{') == communica::to_prometheus(Counters()).find("{error="));
}

TEST_CASE("histograms are written in seconds and bytes, each bucket with what is in the smaller ones") {
    Counters counters;
    counters.request_times.record(std::chrono::nanoseconds(1024));
    counters.request_times.record(std::chrono::nanoseconds(1025));
    counters.request_times.record(std::chrono::milliseconds(1500));
    counters.received_sizes.record(std::uint64_t{0});
    counters.received_sizes.record(std::uint64_t{64});
    counters.received_sizes.record(std::uint64_t{3'000'000'000});
    const std::string text = communica::to_prometheus(counters, {{"server", "calculator"}});
    const auto has = [&](const std::string& line) { return text.find("\n" + line + "\n") != text.npos; };
    INFO(text);
    CHECK(has("# TYPE communica_request_duration_seconds histogram"));
    CHECK(has("communica_request_duration_seconds_bucket{server=\"calculator\",le=\"0.000001024\"} 1"));
    CHECK(has("communica_request_duration_seconds_bucket{server=\"calculator\",le=\"0.000004096\"} 2"));
    CHECK(has("communica_request_duration_seconds_bucket{server=\"calculator\",le=\"4.294967296\"} 3"));
    CHECK(has("communica_request_duration_seconds_bucket{server=\"calculator\",le=\"+Inf\"} 3"));
    CHECK(has("communica_request_duration_seconds_sum{server=\"calculator\"} 1.500002049"));
    CHECK(has("communica_request_duration_seconds_count{server=\"calculator\"} 3"));
    CHECK(has("communica_received_body_bytes_bucket{server=\"calculator\",le=\"16\"} 1"));
    CHECK(has("communica_received_body_bytes_bucket{server=\"calculator\",le=\"64\"} 2"));
    CHECK(has("communica_received_body_bytes_bucket{server=\"calculator\",le=\"1073741824\"} 2"));
    CHECK(has("communica_received_body_bytes_bucket{server=\"calculator\",le=\"+Inf\"} 3"));
    CHECK(has("communica_received_body_bytes_sum{server=\"calculator\"} 3000000064"));
}

}  // namespace prometheus_tests
