#include "support/catch.hpp"

#include <communica/peer/reply.hpp>
#include <communica/serializers/json.hpp>

namespace reply_tests {

namespace {

using communica::peer::Reply;
using communica::wire::MessageType;

Reply after(std::exception_ptr exception) {
    Reply reply;
    reply.body.append("what was begun");
    reply.set_handler_error(exception);
    return reply;
}

}  // namespace

TEST_CASE("a value becomes an answer that is ok") {
    Reply reply;
    reply.set_value(communica::JsonSerializer{}, 42);
    CHECK(reply.type == MessageType::ok);
    CHECK(reply.body.text() == "42");

    Reply nothing;
    nothing.set_value(communica::JsonSerializer{}, communica::Nothing{});
    CHECK(nothing.body.text() == "null");
}

TEST_CASE("a value that can't be dumped becomes the responder's fault, without a part of it") {
    Reply reply;
    try {
        reply.set_value(communica::JsonSerializer{}, std::string("\xff"));
        FAIL("it was dumped");
    } catch (...) {
        const communica::Error error = reply.set_handler_error(std::current_exception());
        CHECK(error.code == communica::errc::serializer_error);
        CHECK(error.message.find("UTF-8") != std::string::npos);
    }
    CHECK(reply.type == MessageType::responder_error);
    CHECK(reply.body.text() == R"({"code": null, "message": "Response serialize error"})");
}

TEST_CASE("a value that could not be loaded is told with the serializer's words") {
    Reply reply;
    reply.set_load_error(std::make_exception_ptr(communica::SerializerError("not JSON")));
    CHECK(reply.type == MessageType::data_error);
    CHECK(reply.body.text() == R"({"message": "not JSON"})");
}

TEST_CASE("of what a handler throws, the errors meant for the requester keep their kind") {
    const Reply requester = after(std::make_exception_ptr(communica::RequesterError("no", 404)));
    CHECK(requester.type == MessageType::requester_error);
    CHECK(requester.body.text() == R"({"code": 404, "message": "no"})");

    const Reply busy = after(std::make_exception_ptr(communica::ResponderError("later", 503, communica::errc::busy)));
    CHECK(busy.type == MessageType::responder_error);
    CHECK(busy.body.text() == R"({"code": 503, "message": "later", "errc": "busy"})");
}

TEST_CASE("anything else that a handler throws is unknown, with its message") {
    for (const auto& exception : {std::make_exception_ptr(std::runtime_error("oops")),
                                  std::make_exception_ptr(communica::SerializerError("oops")),
                                  std::make_exception_ptr(communica::UnknownError("oops", 7))}) {
        const Reply reply = after(exception);
        CHECK(reply.type == MessageType::unknown_error);
        CHECK(reply.body.text() == R"({"code": null, "message": "oops"})");
    }
    CHECK(after(std::make_exception_ptr(42)).type == MessageType::unknown_error);
    const Reply timeout = after(std::make_exception_ptr(std::system_error(communica::errc::timeout)));
    CHECK(timeout.type == MessageType::unknown_error);
    CHECK(timeout.body.text().find("errc") == std::string_view::npos);
}

}  // namespace reply_tests
