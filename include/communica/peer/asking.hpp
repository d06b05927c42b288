// What sees every request, notification and stream that an entity sends.
#pragma once

#include "../error.hpp"
#include "outgoing.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace communica {

/// What is about to be sent, as an `AskingInterceptor` sees it. Its value is serialised already.
class Asking {
 public:
    /// What can be sent.
    enum class Kind { request, notification, stream };
    /// Made by the library.
    explicit Asking(peer::Outgoing& outgoing) noexcept : outgoing_(outgoing) {}
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    /// What it is.
    Kind kind() const noexcept {
        if (outgoing_.stream) {
            return Kind::stream;
        }
        return outgoing_.is_notification() ? Kind::notification : Kind::request;
    }
    /// Empty where there are no routes.
    std::string route() const {
        return outgoing_.quoted_route.empty() ? "" : nlohmann::json::parse(outgoing_.quoted_route).get<std::string>();
    }
    /// Bytes of the value.
    std::size_t size() const noexcept { return outgoing_.body.size(); }
    std::optional<std::chrono::steady_clock::duration> timeout() const noexcept {
        return outgoing_.timeout;
    }  ///< none where there is no deadline
    /// None where there is none of the name.
    std::optional<std::string> header(const std::string& name) const {
        const nlohmann::json all = headers();
        const auto found = all.find(name);
        return found == all.end() ? std::nullopt : std::optional(found->get<std::string>());
    }
    /// In the place of one of the same name. Throws `SerializerError` for what is not UTF-8.
    void set_header(const std::string& name, const std::string& value) {
        try {
            nlohmann::json all = headers();
            all[name] = value;
            outgoing_.headers = all.dump(-1, ' ', true);
        } catch (const nlohmann::json::exception& e) {
            throw SerializerError(e.what());
        }
    }

 private:
    nlohmann::json headers() const {
        return outgoing_.headers.empty() ? nlohmann::json::object() : nlohmann::json::parse(outgoing_.headers);
    }

    peer::Outgoing& outgoing_;
};

/// Called before each request, notification and stream of an entity and its peer handles is sent, on the thread that begins it: adds headers,
/// measures, logs, or throws, which the request then completes with. What it returns, if anything, is called once at the end, about when
/// the request completes: with the error, or one of no code where the other side has answered, a notification is on its way, or the stream is open. It must not
/// throw, may ask again, and is called on the entity's executor or, with an answer, the connection's. `flush` and `notify_all` are not seen.
///
///     options.asking_interceptor = [](communica::Asking& asking) -> communica::AskingEnd {
///         asking.set_header("traceparent", current_trace());
///         return [begin = std::chrono::steady_clock::now()](const communica::Error& error) { record(begin, error.code); };
///     };
using AskingEnd = std::function<void(const Error&)>;
using AskingInterceptor = std::function<AskingEnd(Asking&)>;  ///< see `AskingEnd`

}  // namespace communica
