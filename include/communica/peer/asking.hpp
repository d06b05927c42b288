// The interceptor of all requests, notifications and streams that an entity sends.
#pragma once

#include "../error.hpp"
#include "hook.hpp"
#include "outgoing.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace communica {

/// An outgoing message, as an `AskingInterceptor` sees it. Its value is already serialised.
class Asking {
 public:
    /// The kinds of outgoing messages.
    enum class Kind { request, notification, stream };
    /// Made by the library.
    explicit Asking(peer::Outgoing& outgoing) noexcept : outgoing_(outgoing) {}
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    /// The kind of the message.
    Kind kind() const noexcept;
    /// The route; empty if the entity has no routes.
    std::string route() const;
    /// Bytes of the serialised value, plus 8 for a stream.
    std::size_t size() const noexcept { return outgoing_.body.size(); }
    std::optional<std::chrono::steady_clock::duration> timeout() const noexcept {
        return outgoing_.timeout;
    }  ///< none without a deadline
    /// The header of this name; none if it is not set.
    std::optional<std::string> header(const std::string& name) const;
    /// Sets a header. Replaces one of the same name. Throws `SerializerError` if a text is not UTF-8.
    void set_header(const std::string& name, const std::string& value);

 private:
    nlohmann::json headers() const;

    peer::Outgoing& outgoing_;
};

/// The function that an `AskingInterceptor` returns; may be empty. Called once, about when the request completes: with
/// its error, or with an error without a code after an answer, a sent notification or an accepted stream. Runs on the
/// entity's executor or, with an answer, on the connection's. Must not throw. May send requests.
using AskingEnd = std::function<void(const Error&)>;
/// Called before each request, notification and stream of an entity and its peer handles is sent, on the thread that
/// starts it. It may add headers, measure or log. An exception becomes the error of the request. Not called for `flush`
/// and `notify_all`.
///
///     options.asking_interceptor = [](communica::Asking& asking) -> communica::AskingEnd {
///         asking.set_header("traceparent", current_trace());
///         return [begin = std::chrono::steady_clock::now()](const communica::Error& error) {
///             record(begin, error.code);
///         };
///     };
using AskingInterceptor = Hook<AskingEnd(Asking&)>;

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "asking.ipp"
#endif
