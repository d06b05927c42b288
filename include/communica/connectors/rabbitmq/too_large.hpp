// What becomes of a message that the broker does not take for its size.
#pragma once

#include "../../buffer.hpp"
#include "../../wire/error_body.hpp"
#include "../../wire/metadata_reader.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace communica::rabbitmq {

inline std::string broker_limit(std::size_t max_message) {
    return "the broker takes messages of up to " + std::to_string(max_message) + " bytes";
}

struct TextAndBody {
    Buffer text;
    Buffer body;
};

/// What goes out instead of an answer that is too large: an error, to the one who asked.
inline TextAndBody too_large_answer(std::string_view metadata, std::size_t max_message) {
    wire::MetadataReader reader;
    const auto answer = reader.read(metadata);
    TextAndBody error;
    wire::write_answer_metadata(error.text, wire::MessageType::responder_error, answer.before_type, answer.after_type);
    wire::write_error_body(error.body, {.code = errc::message_too_large,
                                        .message = "The answer is too large: " + broker_limit(max_message),
                                        .status = 413,
                                        .kind = Error::Kind::responder});
    return error;
}

}  // namespace communica::rabbitmq
