// Any body of an error answer is an error and nothing worse; what this library writes, it reads.
#include "fuzz.hpp"
#include "support/metadata_oracle.hpp"

#include <communica/wire/error_body.hpp>

namespace wire = communica::wire;
using communica::Error;

namespace {

constexpr wire::MessageType types[] = {wire::MessageType::unknown_error, wire::MessageType::requester_error,
                                       wire::MessageType::data_error, wire::MessageType::responder_error,
                                       static_cast<wire::MessageType>(77)};

bool is_readable(const nlohmann::json& tree) { return !tree.is_discarded() && test::depth_of(tree) <= 128; }

void read_any(std::string_view body, wire::MessageType type) {
    const Error error = wire::read_error_body(type, communica::as_bytes(body));
    fuzz::require(static_cast<bool>(error.code), "an error has a code");
    fuzz::require(error.kind != Error::Kind::none, "and is of some kind");
    if (type == types[4]) {
        return;
    }
    const auto tree = nlohmann::json::parse(body, nullptr, false);
    if (is_readable(tree) && tree.is_object()) {
        const auto message = tree.find("message");
        fuzz::require(message == tree.end() || !message->is_string() || error.message == message->get<std::string>(),
                      "the message");
        const auto code = tree.find("code");
        const bool is_status = code != tree.end() && code->is_number_integer() &&
                               (!code->is_number_unsigned() || code->get<std::uint64_t>() < std::uint64_t{1} << 63);
        fuzz::require(error.status.has_value() == is_status, "a status that fits");
        fuzz::require(!is_status || error.status == code->get<std::int64_t>(), "the status");
    }
}

void write_and_read(std::string_view text, wire::MessageType type) {
    const auto kinds =
        std::to_array({Error::Kind::unknown, Error::Kind::requester, Error::Kind::serializer, Error::Kind::responder});
    for (const Error::Kind kind : kinds) {
        Error error{.code = communica::errc::message_too_large, .message = std::string(text), .kind = kind};
        error.status = static_cast<int>(type) * 1'000'000'000'000 - static_cast<int>(text.size());
        communica::Buffer body;
        wire::write_error_body(body, error);
        const Error read = wire::read_error_body(wire::error_type(error), body.bytes());
        fuzz::require(read.kind == kind, "the kind comes back");
        const auto quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        fuzz::require(read.message == nlohmann::json::parse(quoted).get<std::string>(), "the message comes back");
        const bool has_status = kind != Error::Kind::serializer;
        fuzz::require(read.status.has_value() == has_status, "a status where there is one");
        fuzz::require(!has_status || read.status == error.status, "the status comes back");
        fuzz::require(!has_status || read.code == communica::errc::message_too_large, "the name comes back");
    }
}

}  // namespace

void fuzz_one(std::string_view input) {
    const auto type = types[fuzz::take_byte(input) % std::size(types)];
    read_any(input, type);
    write_and_read(input, type);
}
