// Spans as the SDK of OpenTelemetry exports them.
#include "support/pair.hpp"

#include <communica/observing/opentelemetry.hpp>

#include <opentelemetry/exporters/memory/in_memory_span_exporter.h>
#include <opentelemetry/sdk/trace/simple_processor.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace opentelemetry_tests {

namespace {

namespace sdk = opentelemetry::sdk::trace;
namespace trace = opentelemetry::trace;
namespace memory = opentelemetry::exporter::memory;

/// A tracer whose spans stay in memory.
struct Traced {
    Traced() {
        auto exporter = std::make_unique<memory::InMemorySpanExporter>();
        data = exporter->GetData();
        provider =
            std::make_unique<sdk::TracerProvider>(std::make_unique<sdk::SimpleSpanProcessor>(std::move(exporter)));
    }
    opentelemetry::nostd::shared_ptr<trace::Tracer> tracer() const { return provider->GetTracer("test"); }

    std::shared_ptr<memory::InMemorySpanData> data;
    std::unique_ptr<sdk::TracerProvider> provider;
};

std::string text_of(const sdk::SpanData& span, const std::string& key) {
    const auto found = span.GetAttributes().find(key);
    return found == span.GetAttributes().end() ? "" : opentelemetry::nostd::get<std::string>(found->second);
}

}  // namespace

TEST_CASE("a request and its handler have spans of one trace, and so has what the handler asks of others") {
    const Traced traced;
    const communica::OpenTelemetry of_shop(traced.tracer(), "shop");
    const communica::OpenTelemetry of_stock(traced.tracer(), "stock");
    asio::io_context context;
    const communica::MemoryConnector stock_meeting;
    const communica::MemoryConnector shop_meeting;
    test::Routes stock_routes;
    stock_routes.add("count", [](int number) -> int {
        if (number == 0) {
            throw communica::RequesterError("no such item", 404);
        }
        return number;
    });
    communica::ServerOptions stock_options;
    stock_options.interceptor = of_stock.handlers();
    communica::RouteServer stock(context, stock_meeting, stock_routes, stock_options);
    communica::ClientOptions asking_stock;
    asking_stock.asking_interceptor = of_stock.requests();
    communica::RouteClient stock_client(context, stock_meeting, test::Routes(), asking_stock);

    test::Routes shop_routes;
    shop_routes.add("buy", [&](int item, communica::Context& asked) -> asio::awaitable<int> {
        const auto headers = of_shop.trace(asked).value().headers();
        const communica::RequestOptions options{.headers = headers.span()};
        co_return co_await stock_client.request<int>("count", item, options);
    });
    communica::ServerOptions shop_options;
    shop_options.interceptor = of_shop.handlers();
    communica::RouteServer shop(context, shop_meeting, shop_routes, shop_options);
    communica::ClientOptions asking_shop;
    asking_shop.asking_interceptor = of_shop.requests();
    communica::RouteClient client(context, shop_meeting, test::Routes(), asking_shop);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await stock.start();
        co_await shop.start();
        CHECK_AWAITED(7, client.request<int>("buy", 7));
        const auto failed = co_await client.try_request<int>("buy", 0);
        CHECK_FALSE(failed.has_value());
        co_await client.close();
        co_await shop.close();
        co_await stock_client.close();
        co_await stock.close();
    });
    test::run_out(context);

    const auto spans = traced.data->GetSpans();
    REQUIRE(spans.size() == 8);
    std::map<trace::SpanId, const sdk::SpanData*, bool (*)(const trace::SpanId&, const trace::SpanId&)> by_id(
        [](const trace::SpanId& a, const trace::SpanId& b) {
            return std::lexicographical_compare(a.Id().begin(), a.Id().end(), b.Id().begin(), b.Id().end());
        });
    for (const auto& span : spans) {
        by_id[span->GetSpanId()] = span.get();
    }
    std::size_t roots = 0;
    std::size_t failed = 0;
    for (const auto& span : spans) {
        const bool is_client = span->GetSpanKind() == trace::SpanKind::kClient;
        const bool is_stock = text_of(*span, "rpc.service") == "stock";
        const std::string name(span->GetName().data(), span->GetName().size());
        INFO(name);
        CHECK((is_client || span->GetSpanKind() == trace::SpanKind::kServer));
        CHECK(name == (is_stock ? "stock/count" : "shop/buy"));
        CHECK(text_of(*span, "rpc.system") == "communica");
        CHECK(text_of(*span, "rpc.method") == (is_stock ? "count" : "buy"));
        const auto parent = by_id.find(span->GetParentSpanId());
        roots += parent == by_id.end() ? 1 : 0;
        if (parent != by_id.end()) {  // client, server, client, server
            CHECK(parent->second->GetTraceId() == span->GetTraceId());
            CHECK((parent->second->GetSpanKind() == trace::SpanKind::kClient) != is_client);
            CHECK(text_of(*parent->second, "rpc.service") == (is_stock && !is_client ? "stock" : "shop"));
        }
        const bool has_failed = !text_of(*span, "error.type").empty();
        failed += has_failed ? 1 : 0;
        CHECK((span->GetStatus() == trace::StatusCode::kError) == (has_failed && is_client));  // the requester's fault
    }
    CHECK(roots == 2);
    CHECK(failed == 4);
}

}  // namespace opentelemetry_tests
