// The metadata reader, of which one half is written by hand, against a JSON tree: the same texts are accepted, with the
// same values, and an answer's metadata is the request's but for the type.
#include "fuzz.hpp"
#include "support/metadata_oracle.hpp"

#include <communica/wire/metadata_reader.hpp>

namespace wire = communica::wire;

void fuzz_one(std::string_view input) {
    const std::string text(input);
    const auto expected = test::ExpectedMetadata::of(text);
    wire::MetadataReader reader;
    wire::Metadata metadata;
    try {
        metadata = reader.read(text);
    } catch (const std::system_error& e) {
        fuzz::require(e.code() == communica::errc::protocol_error);
        fuzz::require(!expected, "refused, but the tree accepts it");
        return;
    }
    fuzz::require(expected.has_value(), "accepted, but the tree refuses it");
    fuzz::require(static_cast<int>(metadata.type) == expected->type, "type");
    fuzz::require(metadata.id == expected->id, "id");
    fuzz::require(metadata.route == expected->route, "route");
    fuzz::require(metadata.timeout == expected->timeout, "timeout");
    fuzz::require(
        metadata.headers.empty() ? !expected->headers : nlohmann::json::parse(metadata.headers) == expected->headers,
        "headers");

    communica::Buffer answer;
    wire::write_answer_metadata(answer, wire::MessageType::responder_error, metadata.before_type, metadata.after_type);
    auto echoed = expected->tree;
    echoed["type"] = 51;
    fuzz::require(nlohmann::json::parse(answer.text()) == echoed, "the answer's metadata");

    // What the library writes itself, it reads the short way.
    if (metadata.type == wire::MessageType::request && metadata.route) {
        communica::Buffer written;
        const std::string route(*metadata.route);
        const auto timeout = metadata.timeout;
        const std::string headers(metadata.headers);
        const std::string quoted = wire::quote_json(route);
        wire::write_metadata(written, {.id = "1", .quoted_route = quoted, .headers = headers, .timeout = timeout});
        const auto again = reader.read(written.text());
        fuzz::require(again.type == wire::MessageType::request && again.id == "1" && again.route == route &&
                          again.timeout == timeout && again.headers == headers,
                      "written");
    }
}
