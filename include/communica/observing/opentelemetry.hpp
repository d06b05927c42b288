// Spans of requests, by OpenTelemetry. Needs the API of opentelemetry-cpp. Not part of communica.hpp.
#pragma once

#include "../asio.hpp"
#include "../error.hpp"
#include "../peer/asking.hpp"
#include "../peer/context.hpp"
#include "../peer/interceptor.hpp"
#include "trace_context.hpp"

#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/nostd/string_view.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/span.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/span_startoptions.h>
#include <opentelemetry/trace/tracer.h>

#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace communica {
namespace observing {

using Tracer = opentelemetry::nostd::shared_ptr<opentelemetry::trace::Tracer>;
using Span = opentelemetry::nostd::shared_ptr<opentelemetry::trace::Span>;

inline opentelemetry::nostd::string_view view_of(std::string_view text) { return {text.data(), text.size()}; }

/// The context of a span of another process.
inline opentelemetry::trace::SpanContext remote_context(const TraceContext& trace) {
    using Propagator = opentelemetry::trace::propagation::HttpTraceContext;
    return {Propagator::TraceIdFromHex(view_of(trace.trace_id())),
            Propagator::SpanIdFromHex(view_of(trace.parent_id())),
            opentelemetry::trace::TraceFlags(trace.is_sampled() ? opentelemetry::trace::TraceFlags::kIsSampled : 0),
            true, opentelemetry::trace::TraceState::FromHeader(view_of(trace.tracestate()))};
}

/// The trace that requests inside a span carry. None for a span that no tracer has made.
inline std::optional<TraceContext> trace_of(const Span& span) {
    const auto context = span->GetContext();
    std::string trace_id(32, '0');
    std::string span_id(16, '0');
    context.trace_id().ToLowerBase16(opentelemetry::nostd::span<char, 32>(trace_id.data(), trace_id.size()));
    context.span_id().ToLowerBase16(opentelemetry::nostd::span<char, 16>(span_id.data(), span_id.size()));
    return TraceContext::parse("00-" + trace_id + "-" + span_id + (context.IsSampled() ? "-01" : "-00"),
                               context.trace_state()->ToHeader());
}

/// Makes spans, and keeps those of the handlers at work.
class Spans {
 public:
    Spans(Tracer tracer, std::string service) : tracer_(std::move(tracer)), service_(std::move(service)) {}

    /// The parent is this trace, or, without one, the active span of the thread.
    Span start(const std::string& route, opentelemetry::trace::SpanKind kind,
               const std::optional<TraceContext>& parent) {
        opentelemetry::trace::StartSpanOptions options;
        options.kind = kind;
        if (parent) {
            options.parent = remote_context(*parent);
        }
        Span span = tracer_->StartSpan(
            view_of(service_.empty() || route.empty() ? service_ + route : service_ + "/" + route), options);
        span->SetAttribute("rpc.system", "communica");
        if (!service_.empty()) {
            span->SetAttribute("rpc.service", view_of(service_));
        }
        if (!route.empty()) {
            span->SetAttribute("rpc.method", view_of(route));
        }
        return span;
    }

    /// Ends the span. An error of the requester is not one of the side that answers.
    static void end(const Span& span, const Error& error, bool is_fault) {
        if (error.code) {
            span->SetAttribute("error.type", view_of(error.code.message()));
            if (error.status) {
                span->SetAttribute("rpc.communica.status", *error.status);
            }
            if (is_fault) {
                span->SetStatus(opentelemetry::trace::StatusCode::kError, view_of(error.text()));
            }
        }
        span->End();
    }

    std::optional<TraceContext> of(const Context& context) const {
        const std::lock_guard lock(mutex_);
        const auto found = at_work_.find(context.call_id());
        return found == at_work_.end() ? std::nullopt : trace_of(found->second);
    }
    void add(const Context& context, const Span& span) {
        const std::lock_guard lock(mutex_);
        at_work_.emplace(context.call_id(), span);
    }
    void remove(const Context& context) {
        Span last;  // nothing of another library's runs under the lock
        const std::lock_guard lock(mutex_);
        if (const auto found = at_work_.find(context.call_id()); found != at_work_.end()) {
            last = std::move(found->second);
            at_work_.erase(found);
        }
    }

 private:
    const Tracer tracer_;
    const std::string service_;
    mutable std::mutex mutex_;
    std::map<const void*, Span> at_work_;  // by `Context::call_id`
};

/// The span of a handler. Ends it with the handler, also if the handler's coroutine is destroyed.
class HandlerSpan {
 public:
    HandlerSpan(std::shared_ptr<Spans> spans, const Context& context)
        : spans_(std::move(spans)),
          context_(context),
          span_(spans_->start(context.route(), opentelemetry::trace::SpanKind::kServer, TraceContext::of(context))) {
        spans_->add(context_, span_);
    }
    HandlerSpan(const HandlerSpan&) = delete;
    HandlerSpan& operator=(const HandlerSpan&) = delete;
    ~HandlerSpan() {
        spans_->remove(context_);
        const bool is_fault = error_.code != errc::requester_error && error_.code != errc::serializer_error;
        Spans::end(span_, error_, is_fault);
    }

    void fail(const std::exception_ptr& why) { error_ = Error::from(why); }

 private:
    const std::shared_ptr<Spans> spans_;
    const Context& context_;
    const Span span_;
    Error error_;
};

/// `Context` lives as long as the handler.
inline asio::awaitable<void> handle_in_span(std::shared_ptr<Spans> spans,
                                            Context& context,  // NOLINT(*-reference-coroutine-parameters)
                                            NextHandler next) {
    HandlerSpan span(std::move(spans), context);
    try {
        co_await next();
    } catch (...) {
        span.fail(std::current_exception());
        throw;
    }
}

}  // namespace observing

/// Makes spans of requests by the semantic conventions for RPC: `rpc.system` is `communica`, `rpc.service` the name
/// given here, `rpc.method` the route. A span is named `SERVICE/ROUTE`. A failed request has `error.type`, and the status
/// of the error in `rpc.communica.status`. The traces are carried by the headers `traceparent` and `tracestate` (W3C).
/// A value; copies are of the same spans. Thread-safe.
///
///     const communica::OpenTelemetry telemetry(opentelemetry::trace::Provider::GetTracerProvider()->GetTracer("shop"));
///     client_options.asking_interceptor = telemetry.requests();
///     server_options.interceptor = telemetry.handlers();
class OpenTelemetry {
 public:
    /// `service`: the name of the server that is asked, or of this one. May be empty.
    explicit OpenTelemetry(observing::Tracer tracer, std::string service = {})
        : spans_(std::make_shared<observing::Spans>(std::move(tracer), std::move(service))) {}

    /// For `asking_interceptor`: a span of kind client for each request, notification and stream. Its parent is the
    /// trace in the message's headers, or, without one, the active span of the thread that sends. A notification's span
    /// ends when the notification is sent, a stream's when the peer has accepted it.
    AskingInterceptor requests() const {
        return [spans = spans_](Asking& asking) -> AskingEnd {
            const auto header = asking.header("traceparent");
            const auto parent =
                header ? TraceContext::parse(*header, asking.header("tracestate").value_or("")) : std::nullopt;
            const observing::Span span = spans->start(asking.route(), opentelemetry::trace::SpanKind::kClient, parent);
            if (const auto trace = observing::trace_of(span)) {
                asking.set_header("traceparent", trace->traceparent());
                if (!trace->tracestate().empty()) {
                    asking.set_header("tracestate", trace->tracestate());
                }
            }
            return [span](const Error& error) { observing::Spans::end(span, error, true); };
        };
    }

    /// For `interceptor`: a span of kind server for each handler. Its parent is the requester's span. An error of the
    /// requester (`RequesterError`, a value that does not fit) does not make it a failed one.
    Interceptor handlers() const {
        return [spans = spans_](Context& context, NextHandler next) {
            return observing::handle_in_span(spans, context, std::move(next));
        };
    }

    /// The trace of the span of a handler at work, for the headers of the requests that the handler sends: coroutines
    /// change threads, so no span is active in them. None outside of `handlers()`.
    ///
    ///     const auto headers = telemetry.trace(context).value().headers();
    ///     co_await other.request(route, value, {.headers = headers.span()});
    std::optional<TraceContext> trace(const Context& context) const { return spans_->of(context); }

 private:
    std::shared_ptr<observing::Spans> spans_;
};

}  // namespace communica
