// The metadata of a message: a small JSON object that says what the body is (docs/protocol.md, "Metadata").
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace communica::wire {

/// The value of `type`. Whatever is below `first_answer` asks, the rest answers; other numbers may come.
enum class MessageType : int {
    request = 1,
    notification = 2,
    cancel = 3,              ///< the request of this id is not wanted any more; between peers that offered it
    goodbye = 4,             ///< no more requests, please, and why; between peers that offered it
    resumed = 5,             ///< what is still at work of the other side's requests; between peers that offered it
    flush = 6,               ///< an answer, please, once all that came before is taken; between peers that offered it
    open = 7,                ///< a request that begins a stream; between peers that offered it
    stream_to_accepter = 8,  ///< a message of a stream, from the side that opened it
    stream_to_opener = 9,    ///< the same from the other side
    inspect = 10,            ///< an answer about the other side itself, please; between peers that offered it
    first_answer = 11,
    ok = 11,
    taken = 12,  ///< no answer: how many notifications have been handled to their end; between peers that offered it
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

    bool is_answer() const noexcept {
        return type >= MessageType::first_answer && (type != MessageType::taken || !id.empty());
    }
    bool wants_answer() const noexcept { return type == MessageType::request || type == MessageType::open; }
    bool is_of_stream() const noexcept {
        return type == MessageType::stream_to_accepter || type == MessageType::stream_to_opener;
    }
};

/// What the metadata of a request or notification is made of.
struct MetadataFields {
    MessageType type = MessageType::request;
    std::string_view id = {};            ///< plain text
    std::string_view quoted_route = {};  ///< a JSON string with its quotes; empty for none
    std::string_view headers = {};       ///< a JSON object; empty for none
    std::optional<std::chrono::milliseconds> timeout = standard_timeout;
};

namespace detail {

/// Writes pieces of text into room that was made for all of them.
class Pieces {
 public:
    static constexpr std::size_t max_digits = 20;

    explicit Pieces(char* at) noexcept : at_(at) {}

    Pieces& operator<<(std::string_view text) noexcept {
        if (!text.empty()) {
            std::memcpy(at_, text.data(), text.size());
            at_ += text.size();
        }
        return *this;
    }
    Pieces& operator<<(char byte) noexcept {
        *at_++ = byte;
        return *this;
    }
    Pieces& operator<<(std::int64_t number) noexcept {
        at_ = std::to_chars(at_, at_ + max_digits, number).ptr;
        return *this;
    }

    char* end() const noexcept { return at_; }

 private:
    char* at_;
};

/// Makes room for the most that `write` may need, once, and takes back what it leaves.
template <class Write>
void append_pieces(Buffer& out, std::size_t most, Write write) {
    Pieces pieces(out.extend(most));
    write(pieces);
    out.truncate(static_cast<std::size_t>(pieces.end() - out.data()));
}

}  // namespace detail

/// Writes `{"id": "...", "type": 1}`, and behind it what is there of `"route"`, `"headers"` and `"timeout"`.
inline void write_metadata(Buffer& out, const MetadataFields& fields) {
    constexpr std::string_view id = "{\"id\": \"";
    constexpr std::string_view type = "\", \"type\": ";
    constexpr std::string_view route = ", \"route\": ";
    constexpr std::string_view headers = ", \"headers\": ";
    constexpr std::string_view timeout = ", \"timeout\": ";
    constexpr std::size_t keys = id.size() + type.size() + route.size() + headers.size() + timeout.size();
    const std::size_t most =
        keys + fields.id.size() + fields.quoted_route.size() + fields.headers.size() + detail::Pieces::max_digits + 3;
    detail::append_pieces(out, most, [&](detail::Pieces& pieces) {
        int digit = static_cast<int>(fields.type);
        pieces << id << fields.id << type;
        if (digit > 9) [[unlikely]] {
            pieces << '1';
            digit -= 10;
        }
        pieces << static_cast<char>('0' + digit);
        if (!fields.quoted_route.empty()) {
            pieces << route << fields.quoted_route;
        }
        if (!fields.headers.empty()) {
            pieces << headers << fields.headers;
        }
        if (!fields.timeout) {
            pieces << timeout << "null";
        } else if (*fields.timeout != standard_timeout) {
            pieces << timeout << std::int64_t{fields.timeout->count()};
        }
        pieces << '}';
    });
}

/// Writes the metadata of an answer: the request's own text around the answer's type.
inline void write_answer_metadata(Buffer& out, MessageType type, std::string_view before, std::string_view after) {
    const std::size_t most = before.size() + detail::Pieces::max_digits + after.size();
    detail::append_pieces(
        out, most, [&](detail::Pieces& pieces) { pieces << before << static_cast<std::int64_t>(type) << after; });
}

}  // namespace communica::wire
