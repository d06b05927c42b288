// The handshake over a stream: each side sends one JSON object and a zero byte (docs/protocol.md, "Handshake").
#pragma once

#include "../error.hpp"
#include "../owned_json.hpp"
#include "json_tree.hpp"
#include "read_buffer.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace communica::wire {

/// The longest hello accepted, which is the longest that the Python library reads.
inline constexpr std::size_t max_hello = 64 * 1024 - 1;

inline constexpr char hello_end = '\0';
/// The byte before the JSON of a refusal. A refusal has no end mark: the stream ends behind it.
inline constexpr char refusal_mark = '\x04';

/// A hello in its form on the stream. Throws `errc::invalid_argument` if the text can't be one.
inline std::string frame_hello(std::string_view json) {
    if (json.size() >= max_hello || json.find(hello_end) != json.npos || json.find(refusal_mark) != json.npos) {
        throw std::system_error(errc::invalid_argument, "a hello too long, or with raw control characters");
    }
    return std::string(json) + hello_end;
}

/// Extracts a hello from the buffer; null if it is incomplete. Throws `errc::handshake_failed` if it is too long.
inline std::optional<std::string> take_hello(ReadBuffer& buffer) {
    const std::string_view bytes = buffer.unread();
    const std::size_t end = bytes.find(hello_end);
    if (end == bytes.npos ? bytes.size() > max_hello : end > max_hello) {
        throw std::system_error(errc::handshake_failed, "a hello over 64 KiB");
    }
    if (end == bytes.npos) {
        return std::nullopt;
    }
    std::string hello(bytes.substr(0, end));
    buffer.consume(end + 1);
    return hello;
}

/// Do these bytes, in place of a hello, begin a handshake or an alert of TLS (RFC 8446, section 5.1)?
inline bool begins_tls(std::string_view bytes) noexcept {
    return bytes.starts_with("\x16\x03") || bytes.starts_with("\x15\x03");
}

/// Parses a hello. Throws `errc::handshake_failed`.
inline OwnedJson parse_hello(std::string_view text) {
    if (begins_tls(text)) {
        throw std::system_error(errc::handshake_failed, "the other side speaks TLS, and this one does not");
    }
    auto hello = read_json(text);
    if (!hello) {
        throw std::system_error(errc::handshake_failed, "a hello that is not JSON");
    }
    return OwnedJson(*std::move(hello));
}

/// The refusals after which a client does not reconnect. Named under a key that the Python library ignores.
inline constexpr std::pair<errc, std::string_view> final_refusals[] = {
    {errc::authentication_failed, "authentication_failed"},
    {errc::replaced, "replaced"},
    {errc::incompatible_contract, "incompatible_contract"}};

inline std::string frame_refusal(std::string_view reason, std::error_code code = errc::handshake_failed) {
    OwnedJson owned(nlohmann::json{{"reason", reason}});
    nlohmann::json& body = *owned;
    for (const auto& [known, name] : final_refusals) {
        if (code == known) {
            body["errc"] = name;
        }
    }
    return refusal_mark + body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// The start of a refusal in place of a hello or the first frame. (As a frame it would have an undefined code.)
inline constexpr std::string_view refusal_start{"\x04{\"re"};

inline bool begins_refusal(std::string_view bytes) noexcept { return bytes.starts_with(refusal_start); }

/// Are there too few bytes to tell?
inline bool may_begin_refusal(std::string_view bytes) noexcept {
    return bytes.size() < refusal_start.size() && refusal_start.starts_with(bytes);
}

/// Parses a refusal, once the stream has ended; null if the bytes are none.
inline std::optional<Error> read_refusal(std::string_view bytes) {
    if (!bytes.starts_with(refusal_mark)) {
        return std::nullopt;
    }
    const OwnedJson owned(read_json(bytes.substr(1)).value_or(nullptr));
    const nlohmann::json& body = owned;
    const auto text = [&](const char* key) {
        const auto found = body.is_object() ? body.find(key) : body.end();
        return found != body.end() && found->is_string() ? found->get_ref<const std::string&>() : std::string();
    };
    errc code = errc::handshake_failed;
    for (const auto& [known, name] : final_refusals) {
        if (text("errc") == name) {
            code = known;
        }
    }
    const std::string reason = text("reason");
    return Error{.code = code, .message = reason.empty() ? "no reason given" : reason};
}

/// The error of a handshake that the stream's end has cut off: the refusal if the bytes are one.
inline Error refusal_or(std::string_view bytes, std::string otherwise) {
    if (const auto refusal = read_refusal(bytes)) {
        return {refusal->code, "refused: " + refusal->message};
    }
    return {errc::handshake_failed, std::move(otherwise)};
}

}  // namespace communica::wire
