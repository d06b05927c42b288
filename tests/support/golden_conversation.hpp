// What a responder has to say to a stream of frames, worked out from docs/protocol.md without the library.
#pragma once

#include "frame_decoder.hpp"
#include "metadata_oracle.hpp"

#include <communica/error.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// What the handler of the golden file's server does with a value.
inline nlohmann::json golden_handler(const nlohmann::json& value) {
    const bool has_kind = value.is_object() && value.contains("k") && value["k"].is_string();
    const std::string kind = has_kind ? value["k"].get<std::string>() : "";
    if (kind == "req") {
        throw communica::RequesterError("no such data", 404);
    }
    if (kind == "resp") {
        throw communica::ResponderError("im sorry", 500);
    }
    if (kind == "exc") {
        throw std::invalid_argument("ValueError('hello')");
    }
    return value;
}

/// A body's value, discarded if the library has to refuse it: a zero byte, or an integer (here: 20 digits) beyond 64 bits.
inline nlohmann::json load_body(const std::string& body) {
    std::size_t digits = 0;
    for (const char byte : body) {
        digits = byte >= '0' && byte <= '9' ? digits + 1 : 0;
        if (byte == '\0' || digits == 20) {
            return nlohmann::json::value_t::discarded;
        }
    }
    return nlohmann::json::parse(body, nullptr, false);
}

struct ExpectedAnswer {
    nlohmann::json metadata;
    std::optional<nlohmann::json> body;  ///< of an ok answer
};

/// The answers that these frames deserve, up to the first that ends the connection. `routes`: the only route is "echo".
inline std::vector<ExpectedAnswer> expected_answers(std::string_view bytes, bool routes) {
    std::vector<ExpectedAnswer> answers;
    for (const OwnedFrame& frame : decode_messages(bytes).frames) {
        const auto metadata = ExpectedMetadata::of(frame.metadata);
        if (frame.kind == Kind::close || !metadata) {
            break;
        }
        if (metadata->type != 1) {
            continue;
        }
        ExpectedAnswer answer{.metadata = metadata->tree, .body = {}};
        const auto value = load_body(frame.body);
        if (routes && metadata->route != "echo") {
            answer.metadata["type"] = 41;
        } else if (value.is_discarded()) {
            answer.metadata["type"] = 42;
        } else {
            try {
                answer.body = golden_handler(value);
                answer.metadata["type"] = 11;
            } catch (const communica::RequesterError&) {
                answer.metadata["type"] = 41;
            } catch (const communica::ResponderError&) {
                answer.metadata["type"] = 51;
            } catch (const std::exception&) {
                answer.metadata["type"] = 30;
            }
        }
        answers.push_back(std::move(answer));
    }
    return answers;
}

/// How many of the expected answers, from the first on, came; nothing if something else came.
inline std::optional<std::size_t> count_answers(std::string_view came, const std::vector<ExpectedAnswer>& expected) {
    const DecodedFrames decoded = decode_messages(came);
    std::size_t count = 0;
    for (const OwnedFrame& frame : decoded.frames) {
        if (frame.kind == Kind::close) {
            return count;
        }
        if (count == expected.size() ||
            nlohmann::json::parse(frame.metadata, nullptr, false) != expected[count].metadata ||
            (expected[count].body && nlohmann::json::parse(frame.body, nullptr, false) != *expected[count].body)) {
            return std::nullopt;
        }
        ++count;
    }
    return decoded.failed ? std::nullopt : std::optional(count);
}

}  // namespace test
