// Every vector of the stream transports decodes to what it means.
#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/golden.hpp"

#include <communica/connectors/local.hpp>
#include <communica/connectors/tcp.hpp>
#include <communica/wire/chunks.hpp>
#include <communica/wire/handshake.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <map>
#include <set>

namespace streams_tests {

namespace {

namespace wire = communica::wire;

struct Meaning {
    int type = 0;
    std::string id;
    std::optional<std::string> route;
    std::string body;
    bool operator==(const Meaning&) const = default;
};

const std::string uuid = "00112233445566778899aabbccddeeff";
const std::string unicode_body =
    "{\"\xd0\xb0\": [1, 2.5, null, true, \"\xc3\xa9\xf0\x9f\x98\x80\"], "
    "\"big\": 123456789012345678901234567890}";
const std::string not_serialised = R"({"code": null, "message": "Response serialize error"})";
const std::string packed = "\x81\xa1\x61\xc3";

const std::map<std::string, Meaning> messages{
    {"simple_ok_request", {1, uuid, {}, R"("hello")"}},
    {"simple_ok_response", {11, uuid, {}, R"("hello")"}},
    {"simple_ok_unicode_request", {1, uuid, {}, unicode_body}},
    {"simple_ok_unicode_response", {11, uuid, {}, unicode_body}},
    {"err_requester_request", {1, uuid, {}, R"({"k": "req"})"}},
    {"err_requester_response", {41, uuid, {}, R"({"code": 404, "message": "no such data"})"}},
    {"err_requester_nocode_request", {1, uuid, {}, R"({"k": "nocode"})"}},
    {"err_requester_nocode_response", {41, uuid, {}, R"({"code": null, "message": "plain"})"}},
    {"err_responder_request", {1, uuid, {}, R"({"k": "resp"})"}},
    {"err_responder_response", {51, uuid, {}, R"({"code": 500, "message": "im sorry"})"}},
    {"err_unknown_request", {1, uuid, {}, R"({"k": "exc"})"}},
    {"err_unknown_response", {30, uuid, {}, R"json({"code": null, "message": "ValueError('hello')"})json"}},
    {"err_data_load_request", {1, uuid, {}, "{bad"}},
    {"err_data_load_response",
     {42,
      uuid,
      {},
      R"json({"message": "JSONDecodeError('Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')"})json"}},
    {"err_data_load_empty_request", {1, uuid, {}, ""}},
    {"err_data_load_empty_response",
     {42, uuid, {}, R"json({"message": "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"})json"}},
    {"err_serialize_response_request", {1, uuid, {}, R"({"k": "unser"})"}},
    {"err_serialize_response_response", {51, uuid, {}, not_serialised}},
    {"surrogate_response_request", {1, uuid, {}, R"({"k": "surr"})"}},
    {"surrogate_response_response", {51, uuid, {}, not_serialised}},
    {"nan_response_request", {1, uuid, {}, R"({"k": "nan"})"}},
    {"nan_response_response", {11, uuid, {}, "NaN"}},
    {"meta_compact_request", {1, "x", {}, "1"}},
    {"meta_compact_response", {11, "x", {}, "1"}},
    {"meta_extra_request", {1, "", {}, "1"}},
    {"meta_extra_response", {11, "", {}, "1"}},
    {"meta_noid_request", {1, "", {}, "1"}},
    {"meta_noid_response", {11, "", {}, "1"}},
    {"meta_route_request", {1, uuid, "whatever", "1"}},
    {"meta_route_response", {11, uuid, "whatever", "1"}},
    {"throw", {2, "", {}, R"("log line")"}},
    {"client_request_python", {1, "95fe8fe8e6fa11f1bf2b02fc00000001", {}, "{\"a\": [1, \"\xd0\xb6\"]}"}},
    {"client_answers_server", {11, "s1", {}, "[1, 2]"}},
    {"client_throw_python", {2, "", {}, R"({"x": 1})"}},
    {"route_ok_request", {1, uuid, "echo", "[1]"}},
    {"route_ok_response", {11, uuid, "echo", "[1]"}},
    {"route_undefined_request", {1, uuid, "nope", "[1]"}},
    {"route_undefined_response", {41, uuid, "nope", R"({"code": null, "message": "Route \"nope\" is not defined"})"}},
    {"route_undefined_badjson_request", {1, uuid, "nope\"q", "{bad"}},
    {"route_undefined_badjson_response",
     {41, uuid, "nope\"q", R"({"code": null, "message": "Route \"nope\"q\" is not defined"})"}},
    {"route_msgpack_request", {1, uuid, "mp", packed}},
    {"route_msgpack_response", {11, uuid, "mp", packed}},
    {"server_route_request_python", {1, "990b965ee6fa11f1bf2b02fc00000001", "cr", R"({"q": 1})"}},
    {"local_response_over_unix_socket", {11, "1", {}, "[1]"}},
};

/// The chunks of one message, in their order.
const std::vector<std::pair<std::vector<std::string>, Meaning>> chunked{
    {{"chunk_c2s_0of3", "chunk_c2s_1of3", "chunk_c2s_2of3"}, {1, "c1", {}, R"("abcdefghi")"}},
    {{"chunk_s2c_max64_0of3", "chunk_s2c_max64_1of3", "chunk_s2c_max64_2of3"},
     {11, "k1", {}, '"' + std::string(148, 'a') + '"'}},
};

const std::set<std::string> hellos{"server_hello", "client_hello", "client_hello_python"};
const std::set<std::string> refusals{"handshake_failure_first", "handshake_failure_late"};
const std::set<std::string> states{"connector_state_tcp", "connector_state_local"};

/// The one message in these bytes, fed `step` bytes at a time.
std::optional<Meaning> decode(std::string_view bytes, std::size_t step) {
    wire::FrameReader reader;
    wire::ChunkAssembler chunks;
    wire::MetadataReader metadata_reader;
    std::optional<Meaning> meaning;
    test::feed(reader, bytes, step, [&](wire::Frame frame) {
        if (frame.kind != test::Kind::chunk || chunks.add(frame)) {
            CHECK(frame.kind == test::Kind::message);
            CHECK_FALSE(meaning);
            const auto metadata = metadata_reader.read(frame.metadata);
            meaning = Meaning{static_cast<int>(metadata.type), std::string(metadata.id),
                              metadata.route ? std::optional<std::string>(*metadata.route) : std::nullopt,
                              std::string(frame.body)};
        }
    });
    return meaning;
}

constexpr std::size_t at_once = std::string_view::npos;

}  // namespace

TEST_CASE("every message of the golden vectors decodes to what it means, at once and byte by byte") {
    for (const auto& [name, meaning] : messages) {
        INFO(name);
        CHECK(decode(test::golden(name), at_once) == meaning);
        CHECK(decode(test::golden(name), 1) == meaning);
    }
}

TEST_CASE("every chunked message of the golden vectors decodes to what it means, at once and byte by byte") {
    for (const auto& [names, meaning] : chunked) {
        std::string bytes;
        for (const std::string& name : names) {
            bytes += test::golden(name);
        }
        CHECK(decode(bytes, at_once) == meaning);
        CHECK(decode(bytes, 1) == meaning);
    }
}

TEST_CASE("connector states are the Python library's, both ways") {
    const auto tcp = communica::TcpConnector::load_state(test::golden("connector_state_tcp"));
    CHECK(tcp.host() == "127.0.0.1");
    CHECK(tcp.port() == 5);
    CHECK(tcp.dump_state() == test::golden("connector_state_tcp"));

    const auto local = communica::LocalConnector::load_state(test::golden("connector_state_local"));
    CHECK(local.name() == "gold.vec");
    CHECK(local.dump_state() == test::golden("connector_state_local"));
    CHECK(communica::LocalConnector("Gold.Vec").dump_state() == test::golden("connector_state_local"));
}

TEST_CASE("no stream vector is left out") {
    std::set<std::string> covered{"close_notify"};  // tests/unit/wire/frame.cpp
    covered.insert(hellos.begin(), hellos.end());   // tests/unit/wire/handshake.cpp
    covered.insert(refusals.begin(), refusals.end());
    covered.insert(states.begin(), states.end());
    for (const auto& [name, meaning] : messages) {
        covered.insert(name);
    }
    for (const auto& [names, meaning] : chunked) {
        covered.insert(names.begin(), names.end());
    }
    std::size_t streams = 0;
    for (const auto& vector : test::golden_vectors()) {
        if (vector.is_stream()) {
            ++streams;
            INFO(vector.name);
            CHECK(covered.contains(vector.name));
        }
    }
    CHECK(covered.size() == streams);
    CHECK(streams == 58);
}

}  // namespace streams_tests
