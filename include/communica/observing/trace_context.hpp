// The trace that a request belongs to, as W3C's Trace Context has it. Not part of communica.hpp.
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

/// Which trace a piece of work belongs to, and which piece has begun it: `traceparent` and `tracestate` of
/// https://www.w3.org/TR/trace-context/. A value.
///
/// Inside a handler `TraceContext::of(context)` is the requester's; what the handler asks goes on with a child of it:
///
///     const auto trace = communica::TraceContext::of(context).value_or(communica::TraceContext::random()).child();
///     const auto headers = trace.headers();
///     co_await other.request(route, value, {.headers = headers.span()});
class TraceContext {
 public:
    /// Of a new trace, whose recording is up to `is_sampled`.
    static TraceContext random(bool is_sampled = false) {
        TraceContext trace;
        trace.trace_id_ = digits(32);
        trace.parent_id_ = digits(16);
        trace.flags_ = is_sampled ? 1 : 0;
        return trace;
    }

    /// Reads both headers, as section 3 of the recommendation has them. Nothing for a `traceparent` that is none: then the trace begins
    /// anew. A later version than 00 is read as far as 00 goes.
    static std::optional<TraceContext> parse(std::string_view traceparent, std::string_view tracestate = {}) {
        constexpr std::size_t size = 55;  // of version 00
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
        if (tracestate.size() > max_state) {  // whole entries alone
            trace.state_.resize(trace.state_.rfind(',') == std::string::npos ? 0 : trace.state_.rfind(','));
        }
        return trace;
    }

    /// That of the request that a handler is at work for.
    static std::optional<TraceContext> of(const Context& context) {
        const auto headers = context.headers();
        const auto parent = headers.find("traceparent");
        const auto state = headers.find("tracestate");
        return parent == headers.end() ? std::nullopt
                                       : parse(parent->second, state == headers.end() ? "" : state->second);
    }

    /// Of a piece of work that this one begins: the same trace, with an id of its own.
    TraceContext child() const {
        TraceContext trace = *this;
        trace.parent_id_ = digits(16);
        return trace;
    }

    const std::string& trace_id() const noexcept { return trace_id_; }    ///< 32 hexadecimal digits
    const std::string& parent_id() const noexcept { return parent_id_; }  ///< 16 of them
    bool is_sampled() const noexcept { return (flags_ & 1) != 0; }        ///< is it recorded?
    const std::string& tracestate() const noexcept { return state_; }     ///< of the vendors; may be empty
    /// In version 00.
    std::string traceparent() const { return "00-" + trace_id_ + "-" + parent_id_ + (is_sampled() ? "-01" : "-00"); }

    /// For `RequestOptions::headers`, which borrow them.
    class Headers {
     public:
        explicit Headers(const TraceContext& trace) : parent_(trace.traceparent()), state_(trace.state_) {}
        Headers(const Headers&) = delete;
        Headers& operator=(const Headers&) = delete;
        /// For `RequestOptions::headers`, as long as this lives.
        std::span<const Header> span() const noexcept { return {all_.data(), state_.empty() ? std::size_t{1} : 2}; }

     private:
        std::string parent_;
        std::string state_;
        std::array<Header, 2> all_{Header{"traceparent", parent_}, Header{"tracestate", state_}};
    };
    Headers headers() const { return Headers(*this); }  ///< of a request

 private:
    static constexpr std::size_t max_state = 512;

    TraceContext() = default;

    static int value_of(char digit) noexcept { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }
    /// Lower case alone.
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
