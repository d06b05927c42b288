// The RabbitMQ vectors, as far as they share code with the streams: hellos and metadata.
#include "support/catch.hpp"
#include "support/golden.hpp"

#include <communica/peer/hello.hpp>
#include <communica/wire/error_body.hpp>
#include <communica/wire/handshake.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <set>

namespace rabbitmq_tests {

namespace {

namespace wire = communica::wire;

struct Parts {
    std::string metadata;
    std::string body;
};

/// A message's body on RabbitMQ: metadata, a zero byte, raw data.
Parts parts_of(const std::string& name) {
    const std::string& bytes = test::golden(name);
    const std::size_t end = bytes.find('\0');
    REQUIRE(end != bytes.npos);
    return {bytes.substr(0, end), bytes.substr(end + 1)};
}

wire::MessageType type_of(const std::string& name) {
    wire::MetadataReader reader;
    return reader.read(parts_of(name).metadata).type;
}

std::string answer_metadata(const std::string& request, wire::MessageType type) {
    wire::MetadataReader reader;
    const std::string text = parts_of(request).metadata;
    const auto metadata = reader.read(text);
    communica::Buffer out;
    wire::write_answer_metadata(out, type, metadata.before_type, metadata.after_type);
    return std::string(out.text());
}

}  // namespace

TEST_CASE("the hellos over RabbitMQ are those of the streams, without their end") {
    namespace peer = communica::peer;
    CHECK(peer::server_hello({}, {}) == test::golden("rmq_server_hello"));
    auto hello = nlohmann::json::parse(peer::client_hello("ent", {}));
    hello.erase("communica");
    CHECK(hello == nlohmann::json::parse(test::golden("rmq_client_hello")));
    CHECK(peer::client_id_in(communica::wire::parse_hello(test::golden("rmq_client_hello"))) == "ent");
}

TEST_CASE("metadata over RabbitMQ is that of the streams") {
    CHECK(type_of("rmq_request") == wire::MessageType::request);
    CHECK(type_of("rmq_request_python") == wire::MessageType::request);
    CHECK(type_of("rmq_throw") == wire::MessageType::notification);
    CHECK(answer_metadata("rmq_request", wire::MessageType::ok) == parts_of("rmq_response").metadata);
    CHECK(answer_metadata("rmq_request", wire::MessageType::requester_error) ==
          parts_of("rmq_response_err_requester").metadata);

    const std::string body = parts_of("rmq_response_err_requester").body;
    const auto error = wire::read_error_body(type_of("rmq_response_err_requester"), communica::as_bytes(body));
    CHECK(error.message == "no such data");
    CHECK(error.status == 404);
}

TEST_CASE("what is left of the golden vectors belongs to the RabbitMQ transport alone") {
    const std::set<std::string> shared{"rmq_server_hello",          "rmq_client_hello", "rmq_request",
                                       "rmq_request_python",        "rmq_throw",        "rmq_response",
                                       "rmq_response_err_requester"};
    std::string left;
    for (const auto& vector : test::golden_vectors()) {
        if (!vector.is_stream() && !shared.contains(vector.name)) {
            left += " " + vector.name;
        }
    }
    // tests/unit/connectors/rabbitmq/golden.cpp
    CHECK(left == " rmq_connect_request rmq_handshake_done rmq_listening rmq_close rmq_handshake_fail");
}

}  // namespace rabbitmq_tests
