// The metadata of a message: a small JSON object that describes the body (docs/protocol.md, "Metadata").
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

/// The value of `type`. Types from `first_answer` on are responses. Unlisted numbers may be received.
enum class MessageType : int {
    request = 1,
    notification = 2,
    cancel = 3,              ///< cancels the request of this id; only between peers that offered it
    goodbye = 4,             ///< asks for no more requests, with a reason; only between peers that offered it
    resumed = 5,             ///< lists the peer's requests that are still in progress; only between peers that offered
                             ///< it
    flush = 6,               ///< asks for a response once all earlier messages are taken; only between peers that
                             ///< offered it
    open = 7,                ///< a request that opens a stream; only between peers that offered it
    stream_to_accepter = 8,  ///< a message of a stream, from the side that opened it
    stream_to_opener = 9,    ///< a message of a stream, from the other side
    inspect = 10,            ///< asks for a response about the peer itself; only between peers that offered it
    first_answer = 11,
    ok = 11,
    taken = 12,  ///< not a response: the number of notifications handled completely; only between peers that offered it
    progress = 13,  ///< not a response: how far a request with the header `communica-progress` is
    unknown_error = 30,
    requester_error = 41,
    data_error = 42,
    responder_error = 51,
};

/// The timeout of a request whose metadata has none.
inline constexpr std::chrono::milliseconds standard_timeout{30'000};

/// Parsed metadata. Its views refer to the reader and to the text.
struct Metadata {
    MessageType type{};
    std::string_view id = {};  ///< content of a string id without escapes; empty for any other id, or none
    std::optional<std::string_view> route = {};
    /// The time left for a request; null if it is unlimited. Valid only between peers that offered it.
    std::optional<std::chrono::milliseconds> timeout = standard_timeout;
    std::string_view headers = {};  ///< a JSON object of texts; empty if there is none
    /// The text around the value of `type`. A response is this text around its own type. So it returns all keys, their
    /// order and unusual ids unchanged.
    std::string_view before_type = {};
    std::string_view after_type = {};

    bool is_answer() const noexcept {
        return type == MessageType::ok ||
               (type > MessageType::ok && type != MessageType::progress && (type != MessageType::taken || !id.empty()));
    }
    bool wants_answer() const noexcept { return type == MessageType::request || type == MessageType::open; }
    bool is_of_stream() const noexcept {
        return type == MessageType::stream_to_accepter || type == MessageType::stream_to_opener;
    }
};

/// The content of the metadata of a request or notification.
struct MetadataFields {
    MessageType type = MessageType::request;
    std::string_view id = {};            ///< plain text
    std::string_view quoted_route = {};  ///< a JSON string with its quotes; empty for none
    std::string_view headers = {};       ///< a JSON object; empty for none
    std::optional<std::chrono::milliseconds> timeout = standard_timeout;
};

namespace detail {

/// Writes pieces of text into memory that was reserved for all of them.
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

/// Reserves `most` bytes once, calls `write`, and removes the unused rest.
template <class Write>
void append_pieces(Buffer& out, std::size_t most, Write write) {
    Pieces pieces(out.extend(most));
    write(pieces);
    out.truncate(static_cast<std::size_t>(pieces.end() - out.data()));
}

}  // namespace detail

/// Writes `{"id": "...", "type": 1}`, followed by `"route"`, `"headers"` and `"timeout"` if they are set.
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

/// Writes the metadata of a response: the request's own text around the response's type.
inline void write_answer_metadata(Buffer& out, MessageType type, std::string_view before, std::string_view after) {
    const std::size_t most = before.size() + detail::Pieces::max_digits + after.size();
    detail::append_pieces(
        out, most, [&](detail::Pieces& pieces) { pieces << before << static_cast<std::int64_t>(type) << after; });
}

/// The metadata of a `taken` message.
inline constexpr std::string_view taken_metadata = R"({"id": "", "type": 12})";

}  // namespace communica::wire
