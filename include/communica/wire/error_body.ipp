#pragma once

#include "../owned_json.hpp"
#include "../plain_text.hpp"
#include "error_body.hpp"
#include "json_tree.hpp"

#include <cstdint>
#include <utility>

namespace communica::wire {

COMMUNICA_INLINE std::string quote_error_text(const std::string& text) {
    constexpr std::size_t most = max_error_body - 1024;  // leaves 1 KiB for the other members
    const auto quote = [](std::string_view part) {
        return nlohmann::json(part).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    std::string quoted = text.size() <= most ? quote(text) : std::string();
    if (text.size() > most || quoted.size() > most) {
        quoted = quote(base::shortened(text, most / 6));  // escaping may turn a byte into six
        quoted.insert(quoted.size() - 1, "...");
    }
    return quoted;
}

COMMUNICA_INLINE std::string_view name_of(std::error_code code) noexcept {
    for (const auto& [value, name] : named_errors) {
        if (code == value) {
            return name;
        }
    }
    return {};
}

COMMUNICA_INLINE std::optional<errc> errc_named(std::string_view name) noexcept {
    for (const auto& [value, known] : named_errors) {
        if (name == known) {
            return value;
        }
    }
    return std::nullopt;
}

COMMUNICA_INLINE MessageType error_type(const Error& error) noexcept {
    switch (error.kind) {
        case Error::Kind::requester: return MessageType::requester_error;
        case Error::Kind::responder: return MessageType::responder_error;
        case Error::Kind::serializer: return MessageType::data_error;
        case Error::Kind::unknown:
        case Error::Kind::none: break;
    }
    return MessageType::unknown_error;
}

COMMUNICA_INLINE void write_error_body(Buffer& out, const Error& error) {
    const std::string message = quote_error_text(error.message);
    if (error.kind == Error::Kind::serializer) {
        out.append("{\"message\": ");
        out.append(message);
        out.push_back('}');
        return;
    }
    out.append("{\"code\": ");
    out.append(error.status ? std::to_string(*error.status) : "null");
    out.append(", \"message\": ");
    out.append(message);
    if (const auto name = name_of(error.code); !name.empty()) {
        out.append(", \"errc\": \"");
        out.append(name);
        out.push_back('"');
    }
    out.push_back('}');
}

COMMUNICA_INLINE Error read_error_body(MessageType type, Bytes bytes) {
    Error error;
    switch (type) {
        case MessageType::requester_error:
            error = {.code = errc::requester_error, .kind = Error::Kind::requester};
            break;
        case MessageType::responder_error:
            error = {.code = errc::responder_error, .kind = Error::Kind::responder};
            break;
        case MessageType::data_error: error = {.code = errc::serializer_error, .kind = Error::Kind::serializer}; break;
        default: error = {.code = errc::unknown_error, .kind = Error::Kind::unknown}; break;
    }
    if (type != MessageType::unknown_error && error.kind == Error::Kind::unknown) {
        error.message = "an answer of unknown type " + std::to_string(static_cast<int>(type));
        return error;
    }
    if (bytes.size() > max_error_body) {
        error.message = "an error of " + std::to_string(bytes.size()) + " bytes, which is too long to be read";
        return error;
    }
    auto read = read_json(as_text(bytes));
    if (!read) {
        error.message = "an error without a readable body";
        return error;
    }
    const OwnedJson body(*std::move(read));
    if (!body->is_object()) {
        return error;
    }
    if (const auto message = body->find("message"); message != body->end() && message->is_string()) {
        error.message = message->get<std::string>();
    }
    if (const auto code = body->find("code"); code != body->end() && code->is_number_integer()) {
        const bool fits = !code->is_number_unsigned() || std::in_range<std::int64_t>(code->get<std::uint64_t>());
        error.status = fits ? std::optional(code->get<std::int64_t>()) : std::nullopt;
    }
    if (const auto name = body->find("errc"); name != body->end() && name->is_string()) {
        if (const auto known = errc_named(name->get_ref<const std::string&>())) {
            error.code = *known;
        }
    }
    return error;
}

COMMUNICA_INLINE Error error_of(MessageType type, Bytes bytes) noexcept {
    try {
        return read_error_body(type, bytes);
    } catch (...) {
        return Error::from(std::current_exception());
    }
}

}  // namespace communica::wire
