// The trace of a request, by W3C Trace Context. Not part of communica.hpp.
#pragma once

#include "../peer/ask.hpp"
#include "../peer/context.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

/// The trace of an operation and the id of its parent: `traceparent` and `tracestate` of
/// https://www.w3.org/TR/trace-context/. A value.
///
/// Inside a handler `TraceContext::of(context)` is the requester's. Requests of the handler send a child of it:
///
///     const auto trace = communica::TraceContext::of(context).value_or(communica::TraceContext::random()).child();
///     const auto headers = trace.headers();
///     co_await other.request(route, value, {.headers = headers.span()});
class TraceContext {
 public:
    /// Starts a new trace. `is_sampled` sets the flag to record it.
    static TraceContext random(bool is_sampled = false) {
        TraceContext trace;
        trace.trace_id_ = digits(32);
        trace.parent_id_ = digits(16);
        trace.flags_ = is_sampled ? 1 : 0;
        return trace;
    }

    /// Parses both headers, by section 3 of the recommendation. Returns nothing for an invalid `traceparent`: the
    /// caller then starts a new trace. Of a later version than 00 it reads the fields of 00.
    static std::optional<TraceContext> parse(std::string_view traceparent, std::string_view tracestate = {}) {
        constexpr std::size_t size = 55;  // in version 00
        if (traceparent.size() < size || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') {
            return std::nullopt;
        }
        const std::string_view format = traceparent.substr(0, 2);
        const std::string_view trace_id = traceparent.substr(3, 32);
        const std::string_view parent_id = traceparent.substr(36, 16);
        const std::string_view flags = traceparent.substr(53, 2);
        const bool has_more = traceparent.size() != size;
        if (!is_hex(format) || format == "ff" || (has_more && (format == "00" || traceparent[size] != '-')) ||
            !is_id(trace_id) || !is_id(parent_id) || !is_hex(flags)) {
            return std::nullopt;
        }
        TraceContext trace;
        trace.trace_id_ = trace_id;
        trace.parent_id_ = parent_id;
        trace.flags_ = static_cast<std::uint8_t>(value_of(flags[0]) << 4 | value_of(flags[1]));
        trace.state_ = tracestate.substr(0, max_state);
        if (tracestate.size() > max_state) {  // keeps whole entries only
            trace.state_.resize(trace.state_.rfind(',') == std::string::npos ? 0 : trace.state_.rfind(','));
        }
        return trace;
    }

    /// Returns the trace context of the request that a handler processes, if it has one.
    static std::optional<TraceContext> of(const Context& context) {
        const auto headers = context.headers();
        const auto parent = headers.find("traceparent");
        const auto state = headers.find("tracestate");
        return parent == headers.end() ? std::nullopt
                                       : parse(parent->second, state == headers.end() ? "" : state->second);
    }

    /// Returns the context of a child operation: the same trace with a new parent id.
    TraceContext child() const {
        TraceContext trace = *this;
        trace.parent_id_ = digits(16);
        return trace;
    }

    const std::string& trace_id() const noexcept { return trace_id_; }    ///< 32 hexadecimal digits
    const std::string& parent_id() const noexcept { return parent_id_; }  ///< 16 hexadecimal digits
    bool is_sampled() const noexcept { return (flags_ & 1) != 0; }        ///< the flag to record the trace
    const std::string& tracestate() const noexcept { return state_; }     ///< the vendors' entries; may be empty
    /// The header `traceparent` in version 00.
    std::string traceparent() const { return "00-" + trace_id_ + "-" + parent_id_ + (is_sampled() ? "-01" : "-00"); }

    /// Owns the header values that `RequestOptions::headers` borrows.
    class Headers {
     public:
        explicit Headers(const TraceContext& trace) : parent_(trace.traceparent()), state_(trace.state_) {}
        Headers(const Headers&) = delete;
        Headers& operator=(const Headers&) = delete;
        /// The value for `RequestOptions::headers`, valid as long as this object.
        std::span<const Header> span() const noexcept { return {all_.data(), state_.empty() ? std::size_t{1} : 2}; }

     private:
        std::string parent_;
        std::string state_;
        std::array<Header, 2> all_{Header{"traceparent", parent_}, Header{"tracestate", state_}};
    };
    Headers headers() const { return Headers(*this); }  ///< the headers of a request

 private:
    static constexpr std::size_t max_state = 512;

    TraceContext() = default;

    static int value_of(char digit) noexcept { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }
    /// Accepts lower case only.
    static bool is_hex(std::string_view text) noexcept {
        return text.find_first_not_of("0123456789abcdef") == text.npos;
    }
    static bool is_id(std::string_view text) noexcept {
        return is_hex(text) && text.find_first_not_of('0') != text.npos;
    }
    static std::string digits(std::size_t count) {
        std::random_device random;
        std::string text;
        do {
            text.clear();
            while (text.size() < count) {
                text += "0123456789abcdef"[random() & 15];
            }
        } while (!is_id(text));
        return text;
    }

    std::string trace_id_;
    std::string parent_id_;
    std::string state_;
    std::uint8_t flags_ = 0;
};

}  // namespace communica
