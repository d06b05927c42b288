#include "support/catch.hpp"

#include <communica/observing/prometheus.hpp>

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

}  // namespace prometheus_tests
