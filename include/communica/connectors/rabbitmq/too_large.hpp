// Messages that are too large for the broker.
#pragma once

#include "../../buffer.hpp"
#include "../../wire/error_body.hpp"
#include "../../wire/metadata_reader.hpp"

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace communica::rabbitmq {

inline std::string broker_limit(std::size_t max_message) {
    return "the broker takes messages of up to " + std::to_string(max_message) + " bytes";
}

/// The broker's text about a message that it refuses for its size.
struct SizeRefusal {
    std::size_t size = 0;   ///< of the message
    std::size_t limit = 0;  ///< of the broker

    /// Parses `message size 200037 is larger than configured max size 100000`; null for other texts.
    static std::optional<SizeRefusal> read(std::string_view words) {
        constexpr std::string_view before_size = "message size ";
        constexpr std::string_view before_limit = "max size ";
        const auto number_behind = [&](std::string_view mark) {
            std::size_t number = 0;
            const std::size_t at = words.find(mark);
            if (at != words.npos) {
                std::from_chars(words.data() + at + mark.size(), words.data() + words.size(), number);
            }
            return number;
        };
        const SizeRefusal refusal{number_behind(before_size), number_behind(before_limit)};
        return refusal.size > refusal.limit && refusal.limit != 0 ? std::optional(refusal) : std::nullopt;
    }
};

struct TextAndBody {
    Buffer text;
    Buffer body;
};

/// The error sent to the requester instead of a response that is too large.
inline TextAndBody too_large_answer(std::string_view metadata, const std::string& why) {
    wire::MetadataReader reader;
    const auto answer = reader.read(metadata);
    TextAndBody error;
    wire::write_answer_metadata(error.text, wire::MessageType::responder_error, answer.before_type, answer.after_type);
    wire::write_error_body(error.body, {.code = errc::message_too_large,
                                        .message = "The answer is too large: " + why,
                                        .status = 413,
                                        .kind = Error::Kind::responder});
    return error;
}

}  // namespace communica::rabbitmq
