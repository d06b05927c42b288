// The golden requests as this library writes them, and the golden answers as it understands them.
#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/plain_inbox.hpp"
#include "support/recorded_operation.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/hello.hpp>
#include <communica/peer/message_dispatcher.hpp>
#include <communica/serializers/json.hpp>
#include <communica/stream/write_queue.hpp>
#include <communica/wire/handshake.hpp>

namespace golden_requester_tests {

namespace {

using communica::errc;
using Kind = communica::Error::Kind;
using communica::wire::MessageType;

class Requester {
 public:
    Requester() { peer_->attach(connection_, {}); }

    /// Sends these bytes as a value, and gives the frame that went out.
    std::string send(MessageType type, std::string_view quoted_route, std::string_view value) {
        communica::peer::Outgoing outgoing;
        outgoing.type = type;
        outgoing.quoted_route = quoted_route;
        outgoing.body.append(value);
        outcome = std::make_shared<test::Outcome>();
        peer_->requester()->start(0, std::move(outgoing), test::RecordedOperation::make(outcome));
        const auto& message = connection_->sent.back();
        communica::Buffer body;
        body.append(message.body);
        communica::stream::WriteQueue queue(communica::Limits{});
        queue.push(communica::SendClass::request, message.metadata, body);
        const auto frame = queue.begin_write().front();
        return {static_cast<const char*>(frame.data()), frame.size()};
    }

    /// Lets the answer of this vector come to the last request.
    void receive(const std::string& vector) {
        const auto asked = nlohmann::json::parse(connection_->sent.back().metadata);
        auto metadata = nlohmann::json::parse(test::golden_metadata(vector));
        metadata["id"] = asked["id"];
        const std::string text = metadata.dump();
        const std::string body = test::golden_body(vector);
        inbox_.on_message({text, communica::as_bytes(body)});
    }

    std::shared_ptr<test::Outcome> outcome;

 private:
    asio::io_context context_;
    std::shared_ptr<communica::peer::Peer> peer_ = std::make_shared<communica::peer::Peer>(
        communica::peer::PeerSettings{context_.get_executor(),
                                      std::make_shared<communica::peer::Handlers>(communica::peer::HandlerMap{})},
        "cafe");
    std::shared_ptr<test::RecordingConnection> connection_ = std::make_shared<test::RecordingConnection>(context_);
    test::PlainInbox inbox_{peer_, connection_};
};

/// Requests are numbered anew: the id of one frame in place of the other's.
std::string with_id_of(std::string frame, const std::string& vector) {
    constexpr std::size_t at = 9 + std::string_view("{\"id\": \"").size();
    frame.replace(at, 32, test::golden(vector).substr(at, 32));
    return frame;
}

}  // namespace

TEST_CASE("requests are written as the Python library writes them, byte for byte but for their id") {
    struct Case {
        const char* vector;
        std::string_view quoted_route;
    };
    for (const Case& entry :
         {Case{"simple_ok_request", ""}, Case{"simple_ok_unicode_request", ""}, Case{"err_data_load_empty_request", ""},
          Case{"client_request_python", ""}, Case{"route_ok_request", "\"echo\""},
          Case{"route_undefined_badjson_request", "\"nope\\\"q\""}, Case{"route_msgpack_request", "\"mp\""},
          Case{"server_route_request_python", "\"cr\""}}) {
        Requester requester;
        const std::string frame =
            requester.send(MessageType::request, entry.quoted_route, test::golden_body(entry.vector));
        INFO(entry.vector);
        CHECK(with_id_of(frame, entry.vector) == test::golden(entry.vector));
    }
}

TEST_CASE("notifications are written as the Python library writes them, byte for byte") {
    for (const char* vector : {"throw", "client_throw_python"}) {
        Requester requester;
        CHECK(requester.send(MessageType::notification, "", test::golden_body(vector)) == test::golden(vector));
    }
}

TEST_CASE("a server's hello is the Python library's byte for byte, a client's but for a key more") {
    namespace peer = communica::peer;
    CHECK(communica::wire::frame_hello(peer::server_hello({}, {})) == test::golden("server_hello"));
    for (const auto& [id, vector] : {std::pair{"cafe", "client_hello"}, std::pair{"deadbeef", "client_hello_python"}}) {
        const std::string hello = communica::wire::frame_hello(peer::client_hello(id, {}));
        REQUIRE(hello.ends_with(std::string_view("}\0", 2)));
        auto parsed = nlohmann::json::parse(hello.substr(0, hello.size() - 1));
        CHECK(parsed.erase("communica") == 1);
        CHECK(parsed == nlohmann::json::parse(test::golden(vector).substr(0, test::golden(vector).size() - 1)));
    }
}

TEST_CASE("answers bring their bytes to who asked") {
    for (const std::string name :
         {"simple_ok_response", "simple_ok_unicode_response", "nan_response_response", "meta_compact_response",
          "meta_extra_response", "route_ok_response", "route_msgpack_response", "client_answers_server",
          "local_response_over_unix_socket"}) {
        Requester requester;
        requester.send(MessageType::request, "", "1");
        requester.receive(name);
        INFO(name);
        CHECK(requester.outcome->completions == 1);
        CHECK(requester.outcome->body == test::golden_body(name));
    }
}

TEST_CASE("error answers bring kind, message and status to who asked") {
    struct Case {
        const char* vector;
        Kind kind;
        errc code;
        std::string message;
        std::optional<std::int64_t> status = {};
    };
    for (const Case& expected :
         {Case{"err_requester_response", Kind::requester, errc::requester_error, "no such data", 404},
          Case{"err_requester_nocode_response", Kind::requester, errc::requester_error, "plain"},
          Case{"err_responder_response", Kind::responder, errc::responder_error, "im sorry", 500},
          Case{"err_unknown_response", Kind::unknown, errc::unknown_error, "ValueError('hello')"},
          Case{"err_data_load_response", Kind::serializer, errc::serializer_error,
               "JSONDecodeError('Expecting property name enclosed in double quotes: line 1 column 2 (char 1)')"},
          Case{"err_data_load_empty_response", Kind::serializer, errc::serializer_error,
               "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"},
          Case{"err_serialize_response_response", Kind::responder, errc::responder_error, "Response serialize error"},
          Case{"surrogate_response_response", Kind::responder, errc::responder_error, "Response serialize error"},
          Case{"route_undefined_response", Kind::requester, errc::requester_error, "Route \"nope\" is not defined"},
          Case{"route_undefined_badjson_response", Kind::requester, errc::requester_error,
               "Route \"nope\"q\" is not defined"}}) {
        Requester requester;
        requester.send(MessageType::request, "", "1");
        requester.receive(expected.vector);
        INFO(expected.vector);
        REQUIRE(requester.outcome->error);
        CHECK(requester.outcome->error->kind == expected.kind);
        CHECK(requester.outcome->error->code == expected.code);
        CHECK(requester.outcome->error->message == expected.message);
        CHECK(requester.outcome->error->status == expected.status);
    }
}

TEST_CASE("the answer NaN reaches who asked, whose serializer refuses it") {
    const std::string body = test::golden_body("nan_response_response");
    CHECK_THROWS_AS(communica::JsonSerializer{}.load<double>(communica::as_bytes(body)), communica::SerializerError);
}

}  // namespace golden_requester_tests
