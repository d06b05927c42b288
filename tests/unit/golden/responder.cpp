// The answers to the golden requests, through everything between a connection and a handler.
#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/plain_inbox.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/message_dispatcher.hpp>
#include <communica/peer/typed_handler.hpp>
#include <communica/serializers/json.hpp>
#include <communica/stream/write_queue.hpp>

#include <limits>

namespace golden_responder_tests {

namespace {

using communica::JsonSerializer;
using nlohmann::json;

/// What the handler of the golden file's server does.
json handle(const json& data) {
    const std::string kind = data.is_object() && data.contains("k") ? data["k"].get<std::string>() : "";
    if (kind == "req") {
        throw communica::RequesterError("no such data", 404);
    }
    if (kind == "nocode") {
        throw communica::RequesterError("plain");
    }
    if (kind == "resp") {
        throw communica::ResponderError("im sorry", 500);
    }
    if (kind == "exc") {
        throw std::invalid_argument("ValueError('hello')");
    }
    if (kind == "unser" || kind == "surr") {
        return "not UTF-8: \xed\xa0\x80";
    }
    if (kind == "nan") {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return data;
}

/// Carries bytes as they are, as another serializer's would be.
struct RawSerializer {
    template <class T>
    void dump(const T& value, communica::Buffer& out) const {
        if constexpr (std::is_same_v<T, std::string>) {
            out.append(value);
        }
    }
    template <class T>
    T load(communica::Bytes bytes) const {
        return T(communica::as_text(bytes));
    }
};

/// A server whose one client sends golden vectors.
class Responder {
 public:
    explicit Responder(std::shared_ptr<communica::peer::Handlers> handlers)
        : peer_(std::make_shared<communica::peer::Peer>(
              communica::peer::PeerSettings{context_.get_executor(), std::move(handlers)}, "cafe")),
          connection_(std::make_shared<test::RecordingConnection>(context_)),
          inbox_(peer_, connection_) {
        peer_->attach(connection_, {});
    }

    static Responder simple() {
        return Responder(
            std::make_shared<communica::peer::Handlers>(communica::peer::make_handler(handle, JsonSerializer{})));
    }

    static Responder routes() {
        communica::peer::HandlerMap map;
        map.emplace("echo", communica::peer::make_handler(handle, JsonSerializer{}));
        map.emplace("mp", communica::peer::make_handler([](std::string raw) { return raw; }, RawSerializer{}));
        return Responder(std::make_shared<communica::peer::Handlers>(map));
    }

    test::SentMessage answer(const std::string& vector) {
        connection_->sent.clear();
        const std::string metadata = test::golden_metadata(vector);
        const std::string body = test::golden_body(vector);
        inbox_.on_message({metadata, communica::as_bytes(body)});
        REQUIRE(connection_->sent.size() == 1);
        return connection_->sent.front();
    }

    std::string answer_bytes(const std::string& vector) {
        const auto message = answer(vector);
        communica::Buffer body;
        body.append(message.body);
        communica::stream::WriteQueue queue(communica::Limits{});
        queue.push(communica::SendClass::response, message.metadata, body);
        std::string bytes;
        for (const auto& buffer : queue.begin_write()) {
            bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
        }
        return bytes;
    }

    bool stays_silent(const std::string& vector) {
        connection_->sent.clear();
        const std::string metadata = test::golden_metadata(vector);
        const std::string body = test::golden_body(vector);
        inbox_.on_message({metadata, communica::as_bytes(body)});
        return connection_->sent.empty();
    }

 private:
    asio::io_context context_;
    std::shared_ptr<communica::peer::Peer> peer_;
    std::shared_ptr<test::RecordingConnection> connection_;
    test::PlainInbox inbox_;
};

}  // namespace

TEST_CASE("a simple server answers the golden requests byte for byte") {
    auto server = Responder::simple();
    for (const std::string name : {"simple_ok", "err_requester", "err_requester_nocode", "err_responder", "err_unknown",
                                   "err_serialize_response", "surrogate_response", "meta_noid", "meta_route"}) {
        INFO(name);
        CHECK(server.answer_bytes(name + "_request") == test::golden(name + "_response"));
    }
}

TEST_CASE("a route server answers the golden requests byte for byte") {
    auto server = Responder::routes();
    for (const std::string name : {"route_ok", "route_undefined", "route_undefined_badjson", "route_msgpack"}) {
        INFO(name);
        CHECK(server.answer_bytes(name + "_request") == test::golden(name + "_response"));
    }
}

TEST_CASE("where the format leaves a choice the answer is the same JSON") {
    auto server = Responder::simple();
    for (const std::string name : {"meta_compact", "meta_extra"}) {
        const auto answer = server.answer(name + "_request");
        CHECK(json::parse(answer.metadata) == json::parse(test::golden_metadata(name + "_response")));
        CHECK(answer.body == test::golden_body(name + "_response"));
    }
}

TEST_CASE("a body that does not load is answered with the Python library's type and form, in our own words") {
    auto server = Responder::simple();
    for (const std::string name : {"err_data_load", "err_data_load_empty"}) {
        const auto answer = server.answer(name + "_request");
        CHECK(answer.metadata == test::golden_metadata(name + "_response"));
        const json body = json::parse(answer.body);
        CHECK(body.size() == 1);
        CHECK_FALSE(body.at("message").get<std::string>().empty());
    }
}

TEST_CASE("what JSON numbers cannot hold here is refused where the Python library takes it") {
    auto server = Responder::simple();
    const auto integer = server.answer("simple_ok_unicode_request");
    CHECK(json::parse(integer.metadata)["type"] == 42);
    CHECK(integer.body.find("fits neither 64 bits nor a double") != std::string::npos);

    const auto nan = server.answer("nan_response_request");
    CHECK(json::parse(nan.metadata)["type"] == 51);
    CHECK(nan.body == test::golden_body("err_serialize_response_response"));
}

TEST_CASE("notifications are never answered, whatever becomes of them") {
    auto simple = Responder::simple();
    auto routes = Responder::routes();
    for (const char* name : {"throw", "client_throw_python"}) {
        CHECK(simple.stays_silent(name));
        CHECK(routes.stays_silent(name));
    }
}

}  // namespace golden_responder_tests
