// An answer's metadata is the request's, with its type replaced.
#include "support/catch.hpp"
#include "support/golden.hpp"

#include <communica/wire/metadata_reader.hpp>

namespace metadata_echo_tests {

namespace wire = communica::wire;

namespace {

std::string answer_to(std::string_view request, wire::MessageType type = wire::MessageType::ok) {
    wire::MetadataReader reader;
    const auto metadata = reader.read(request);
    communica::Buffer out;
    wire::write_answer_metadata(out, type, metadata.before_type, metadata.after_type);
    return std::string(out.text());
}

}  // namespace

TEST_CASE("the answer to canonical metadata is the Python library's byte for byte") {
    for (const char* name :
         {"simple_ok", "simple_ok_unicode", "meta_noid", "meta_route", "route_ok", "route_msgpack"}) {
        const std::string vector(name);
        CHECK(answer_to(test::golden_metadata(vector + "_request")) == test::golden_metadata(vector + "_response"));
    }
    for (const char* name : {"err_requester", "route_undefined", "route_undefined_badjson"}) {
        const std::string vector(name);
        CHECK(answer_to(test::golden_metadata(vector + "_request"), wire::MessageType::requester_error) ==
              test::golden_metadata(vector + "_response"));
    }
}

TEST_CASE("the answer to odd metadata is the Python library's as JSON, keys in the same order") {
    using Ordered = nlohmann::ordered_json;
    for (const char* name : {"meta_compact", "meta_extra"}) {
        const std::string vector(name);
        const std::string answer = answer_to(test::golden_metadata(vector + "_request"));
        CHECK(Ordered::parse(answer).dump() == Ordered::parse(test::golden_metadata(vector + "_response")).dump());
    }
}

TEST_CASE("each type of answer is written into the request's metadata") {
    const std::string request = R"({"id": "x", "type": 1, "route": "r"})";
    for (const auto type : {wire::MessageType::ok, wire::MessageType::unknown_error, wire::MessageType::requester_error,
                            wire::MessageType::data_error, wire::MessageType::responder_error}) {
        CHECK(answer_to(request, type) ==
              R"({"id": "x", "type": )" + std::to_string(static_cast<int>(type)) + R"(, "route": "r"})");
    }
}

TEST_CASE("odd metadata comes back with everything in its place") {
    CHECK(answer_to(R"({"type":1,"id":"x"})") == R"({"type":11,"id":"x"})");
    CHECK(answer_to(R"( {"type" : 1 } )") == R"( {"type" : 11 } )");
    CHECK(answer_to(R"({"type":true,"id":7})") == R"({"type": 11, "id": 7})");
    CHECK(answer_to(R"({"id":123456789012345678901234567890,"type":1.0})") ==
          R"({"id": 123456789012345678901234567890, "type": 11})");
    CHECK(answer_to(R"({"a":{"type":5},"type":1,"b":[{"type":6}]})") ==
          R"({"a": {"type": 5}, "type": 11, "b": [{"type": 6}]})");
    CHECK(answer_to(R"({"id":"\u00e9\"","type":1})") == "{\"id\": \"\xc3\xa9\\\"\", \"type\": 11}");
}

TEST_CASE("of two types the last one is replaced, so that the answer says what it is") {
    for (const char* request : {R"({"type": 7, "id": "x", "type": 1})", R"({"type": "t", "id": "x", "type": 1})"}) {
        CHECK(nlohmann::json::parse(answer_to(request)) == nlohmann::json{{"id", "x"}, {"type", 11}});
    }
}

}  // namespace metadata_echo_tests
