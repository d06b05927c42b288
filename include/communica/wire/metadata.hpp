// The metadata of a message: a small JSON object that says what the body is (docs/protocol.md, "Metadata").
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace communica::wire {

/// The value of `type`. Whatever is below `first_answer` asks, the rest answers; other numbers may come.
enum class MessageType : int {
    request = 1,
    notification = 2,
    cancel = 3,   ///< the request of this id is not wanted any more; between peers that offered it
    goodbye = 4,  ///< no more requests, please, and why; between peers that offered it
    first_answer = 11,
    ok = 11,
    unknown_error = 30,
    requester_error = 41,
    data_error = 42,
    responder_error = 51,
};

/// The time for a request whose metadata does not say another.
inline constexpr std::chrono::milliseconds standard_timeout{30'000};

/// What metadata says, borrowed from the reader and from the text it was given.
struct Metadata {
    MessageType type{};
    std::string_view id = {};  ///< content of a string id without escapes; empty for any other id, or none
    std::optional<std::string_view> route = {};
    /// How much time is left for a request; none where there is no end. Only peers that offered it mean it.
    std::optional<std::chrono::milliseconds> timeout = standard_timeout;
    std::string_view headers = {};  ///< a JSON object of texts; empty if there is none
    /// The text around the value of `type`. An answer is this text around its own type: keys, their order and odd
    /// ids come back as they came.
    std::string_view before_type = {};
    std::string_view after_type = {};

    bool is_answer() const noexcept { return type >= MessageType::first_answer; }
    bool wants_answer() const noexcept { return type == MessageType::request; }
};

/// What the metadata of a request or notification is made of.
struct MetadataFields {
    MessageType type = MessageType::request;
    std::string_view id = {};            ///< plain text
    std::string_view quoted_route = {};  ///< a JSON string with its quotes; empty for none
    std::string_view headers = {};       ///< a JSON object; empty for none
    std::optional<std::chrono::milliseconds> timeout = standard_timeout;
};

/// Writes a number in decimal digits.
inline void write_number(Buffer& out, std::int64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

/// Writes `{"id": "...", "type": 1}`, and behind it what is there of `"route"`, `"headers"` and `"timeout"`.
inline void write_metadata(Buffer& out, const MetadataFields& fields) {
    out.append("{\"id\": \"");
    out.append(fields.id);
    out.append("\", \"type\": ");
    out.push_back(static_cast<char>('0' + static_cast<int>(fields.type)));
    if (!fields.quoted_route.empty()) {
        out.append(", \"route\": ");
        out.append(fields.quoted_route);
    }
    if (!fields.headers.empty()) {
        out.append(", \"headers\": ");
        out.append(fields.headers);
    }
    if (!fields.timeout) {
        out.append(", \"timeout\": null");
    } else if (*fields.timeout != standard_timeout) {
        out.append(", \"timeout\": ");
        write_number(out, fields.timeout->count());
    }
    out.push_back('}');
}

/// Writes the metadata of an answer: the request's own text around the answer's type.
inline void write_answer_metadata(Buffer& out, MessageType type, std::string_view before, std::string_view after) {
    out.append(before);
    write_number(out, static_cast<int>(type));
    out.append(after);
}

}  // namespace communica::wire
