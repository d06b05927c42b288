// Every vector of the protocol's extensions is what the library writes and reads, and stands in the document.
#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/serialized.hpp"

#include <communica/peer/hello.hpp>
#include <communica/peer/reply.hpp>
#include <communica/stream/write_queue.hpp>
#include <communica/wire/goodbye.hpp>
#include <communica/wire/handshake.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <fstream>
#include <map>
#include <sstream>

namespace extensions_tests {

namespace {

namespace peer = communica::peer;
namespace wire = communica::wire;
using communica::errc;
using wire::MessageType;
using namespace std::chrono_literals;

std::map<std::string, std::string> load() {
    std::ifstream file(COMMUNICA_TEST_DATA_DIR "/extensions.json");
    std::map<std::string, std::string> vectors;
    for (const auto& entry : nlohmann::json::parse(file)) {
        vectors[entry.at("name")] = test::from_hex(entry.at("hex").get<std::string>());
    }
    return vectors;
}

const std::map<std::string, std::string> vectors = load();
const std::string id = "00112233445566778899aabbccddeeff";
const peer::Offer offer = peer::full_offer("0123456789abcdef", 67'108'864);

/// A message as it goes over a stream.
std::string framed(std::string_view metadata, std::string_view body) {
    communica::stream::WriteQueue queue{communica::Limits{}};
    communica::Buffer buffer;
    buffer.append(body);
    queue.push(communica::Purpose::ask, metadata, buffer);
    std::string bytes;
    for (const auto& part : queue.begin_write()) {
        bytes.append(static_cast<const char*>(part.data()), part.size());
    }
    return bytes;
}
std::string framed(const wire::MetadataFields& fields, std::string_view body) {
    communica::Buffer metadata;
    wire::write_metadata(metadata, fields);
    return framed(metadata.text(), body);
}
std::string goodbye(errc why) {
    communica::Buffer body;
    wire::write_goodbye(body, why);
    return framed({.type = MessageType::goodbye}, body.text());
}

/// The one frame of a vector.
test::OwnedFrame frame_in(const std::string& name) {
    const auto frames = test::read_frames(vectors.at(name));
    REQUIRE(frames.size() == 1);
    return frames.front();
}

/// An answer to the request of this vector.
std::string answer_to(const std::string& name, peer::Reply& reply) {
    const auto request = frame_in(name);
    wire::MetadataReader reader;
    const auto metadata = reader.read(request.metadata);
    communica::Buffer answer;
    wire::write_answer_metadata(answer, reply.type, metadata.before_type, metadata.after_type);
    return framed(answer.text(), reply.body.text());
}

/// The digits that begin the indented lines of the document's section, one behind the other.
std::string digits_of_document() {
    std::ifstream file(COMMUNICA_TEST_DATA_DIR "/../docs/protocol.md");
    std::string digits;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) {
            inside = line == "## Extensions";
        }
        if (!inside || !line.starts_with("    ")) {
            continue;
        }
        const std::string text = line.substr(4, line.find("  ", 4) - 4);  // what it means stands behind two spaces
        if (text.find_first_not_of("0123456789abcdef ") == text.npos) {
            digits += text;
        }
    }
    std::erase(digits, ' ');
    return digits;
}

}  // namespace

TEST_CASE("the library writes the extensions as their vectors say") {
    CHECK(wire::frame_hello(peer::client_hello("cafe", offer)) == vectors.at("client_hello"));
    CHECK(wire::frame_hello(peer::server_hello(offer, offer)) == vectors.at("server_hello"));
    CHECK(wire::ping_frame == vectors.at("ping"));
    CHECK(wire::pong_frame == vectors.at("pong"));
    CHECK(framed({.type = MessageType::cancel, .id = id}, "") == vectors.at("cancel"));
    CHECK(goodbye(errc::draining) == vectors.at("goodbye_draining"));
    CHECK(goodbye(errc::replaced) == vectors.at("goodbye_replaced"));
    CHECK(framed({.id = id, .quoted_route = "\"sum\"", .timeout = 250ms}, "[1,2]") == vectors.at("deadline"));
    CHECK(framed({.id = id, .timeout = std::nullopt}, "null") == vectors.at("no_deadline"));
    CHECK(framed({.id = id, .headers = R"({"trace-id": "4711"})"}, "null") == vectors.at("headers"));
    peer::Reply three;
    three.body.append("3");
    CHECK(answer_to("deadline", three) == vectors.at("answer"));
    peer::Reply busy;
    busy.set_error({.code = errc::busy,
                    .message = "too many requests at work",
                    .status = 503,
                    .kind = communica::Error::Kind::responder});
    CHECK(answer_to("deadline", busy) == vectors.at("busy"));
}

TEST_CASE("the hellos of the vectors offer everything") {
    for (const char* name : {"client_hello", "server_hello"}) {
        const std::string& bytes = vectors.at(name);
        REQUIRE(bytes.ends_with('\0'));
        const auto hello = peer::parse_hello(bytes.substr(0, bytes.size() - 1));
        const peer::Offer read = peer::read_offer(hello);
        CHECK(read.session == "0123456789abcdef");
        CHECK(read.max_message == 67'108'864);
        CHECK((read.cancel && read.deadline && read.goodbye && read.headers && read.ping));
        CHECK((hello.contains("client_id") ? peer::client_id_in(hello) : "cafe") == "cafe");
    }
}

TEST_CASE("the frames of the vectors are read as what they mean") {
    CHECK(frame_in("ping").kind == test::Kind::ping);
    CHECK(frame_in("pong").kind == test::Kind::pong);
    struct Meaning {
        MessageType type;
        std::string_view id;
        std::optional<std::chrono::milliseconds> timeout = wire::standard_timeout;
        std::string_view body = "";
        std::string_view headers = "";
    };
    for (const auto& [name, meaning] : std::map<std::string, Meaning>{
             {"cancel", {MessageType::cancel, id}},
             {"goodbye_draining", {MessageType::goodbye, "", wire::standard_timeout, "\"draining\""}},
             {"goodbye_replaced", {MessageType::goodbye, "", wire::standard_timeout, "\"replaced\""}},
             {"deadline", {MessageType::request, id, 250ms, "[1,2]"}},
             {"no_deadline", {MessageType::request, id, std::nullopt, "null"}},
             {"headers", {MessageType::request, id, wire::standard_timeout, "null", R"({"trace-id": "4711"})"}},
             {"answer", {MessageType::ok, id, 250ms, "3"}},
             {"busy",
              {MessageType::responder_error, id, 250ms,
               R"({"code": 503, "message": "too many requests at work", "errc": "busy"})"}}}) {
        CAPTURE(name);
        const auto frame = frame_in(name);
        CHECK(frame.kind == test::Kind::message);
        CHECK(frame.body == meaning.body);
        wire::MetadataReader reader;
        const auto metadata = reader.read(frame.metadata);
        CHECK(metadata.type == meaning.type);
        CHECK(metadata.id == meaning.id);
        CHECK(metadata.timeout == meaning.timeout);
        CHECK(metadata.headers == meaning.headers);
    }
    CHECK(wire::read_goodbye(communica::as_bytes(frame_in("goodbye_draining").body)) == errc::draining);
    CHECK(wire::read_goodbye(communica::as_bytes(frame_in("goodbye_replaced").body)) == errc::replaced);
    const auto busy = wire::read_error_body(MessageType::responder_error, communica::as_bytes(frame_in("busy").body));
    CHECK(busy.code == errc::busy);
    CHECK(busy.status == 503);
}

TEST_CASE("the document has the vectors of the extensions, and no others") {
    const std::string document = digits_of_document();
    std::size_t size = 0;
    for (const auto& [name, bytes] : vectors) {
        INFO(name);
        const std::string hex = test::to_hex(bytes);
        CHECK(document.find(hex) != std::string::npos);
        size += hex.size();
    }
    CHECK(document.size() == size);
}

}  // namespace extensions_tests
