#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/error.hpp>

#include <set>
#include <type_traits>

namespace error_tests {

namespace {

using communica::errc;
using communica::Error;
using Kind = communica::Error::Kind;

constexpr errc first = errc::closed;
constexpr errc last = errc::incompatible_contract;

template <class Exception>
Exception caught(const Error& error) {
    try {
        std::rethrow_exception(error.to_exception());
    } catch (const Exception& e) {
        return e;
    }
}

template <class Exception>
Error thrown(Exception exception) {
    return Error::from(std::make_exception_ptr(std::move(exception)));
}

static_assert(std::is_error_code_enum_v<errc>);
static_assert(std::is_nothrow_copy_constructible_v<communica::RequesterError>);
static_assert(std::is_base_of_v<std::system_error, communica::MessageError>);

}  // namespace

TEST_CASE("every errc has a message of its own") {
    std::set<std::string> messages;
    for (int value = static_cast<int>(first); value <= static_cast<int>(last); ++value) {
        const std::string message = communica::error_category().message(value);
        CHECK_FALSE(message.empty());
        CHECK(message != "unknown error");
        CHECK(messages.insert(message).second);
    }
    CHECK(communica::error_category().message(0) == "unknown error");
    CHECK(communica::error_category().message(static_cast<int>(last) + 1) == "unknown error");
}

TEST_CASE("an errc becomes an error code of the library's category") {
    const std::error_code code = errc::timeout;
    CHECK(code == errc::timeout);
    CHECK(code != errc::busy);
    CHECK(code.value() == static_cast<int>(errc::timeout));
    CHECK(&code.category() == &communica::error_category());
    CHECK(std::string(code.category().name()) == "communica");
    CHECK(code != std::error_code(code.value(), std::generic_category()));
    CHECK(static_cast<bool>(std::error_code(first)));  // no errc is 0, which would be success
}

TEST_CASE("the errors that cross the wire say their message alone, and their status") {
    const communica::RequesterError error("no such data", 404);
    CHECK(std::string(error.what()) == "no such data");
    CHECK(error.status() == 404);
    CHECK(error.code() == errc::requester_error);
    CHECK_FALSE(communica::ResponderError("sorry").status());
    CHECK(communica::ResponderError("sorry").code() == errc::responder_error);
    CHECK(communica::SerializerError("bad").code() == errc::serializer_error);
    CHECK(communica::UnknownError("odd").code() == errc::unknown_error);
}

TEST_CASE("a copied error keeps its message") {
    std::optional<communica::RequesterError> original(std::in_place, "a message longer than any small string is", 1);
    const communica::RequesterError copy(*original);
    original.reset();
    CHECK(std::string(copy.what()) == "a message longer than any small string is");
}

TEST_CASE("an error of each kind becomes its exception") {
    const Error requester{errc::requester_error, "m", 404, Kind::requester};
    CHECK(caught<communica::RequesterError>(requester).status() == 404);
    CHECK(std::string(caught<communica::RequesterError>(requester).what()) == "m");

    const Error busy{errc::busy, "later", 503, Kind::responder};
    CHECK(caught<communica::ResponderError>(busy).code() == errc::busy);
    CHECK(caught<communica::ResponderError>(busy).status() == 503);

    CHECK(std::string(caught<communica::SerializerError>({errc::serializer_error, "m", {}, Kind::serializer}).what()) ==
          "m");
    CHECK(caught<communica::UnknownError>({errc::unknown_error, "m", 7, Kind::unknown}).status() == 7);
    CHECK(caught<std::system_error>({errc::timeout}).code() == errc::timeout);
    CHECK(std::string(caught<communica::MessageError>({errc::timeout}).what()) == "the deadline passed");
    CHECK(std::string(caught<communica::MessageError>({errc::timeout, "in time"}).what()) == "in time");
}

TEST_CASE("an error survives the way through an exception and back") {
    for (const Error& error :
         {Error{errc::requester_error, "m", 404, Kind::requester},
          Error{errc::message_too_large, "m", 413, Kind::requester},
          Error{errc::responder_error, "m", {}, Kind::responder}, Error{errc::draining, "m", 503, Kind::responder},
          Error{errc::serializer_error, "m", {}, Kind::serializer}, Error{errc::unknown_error, "m", -1, Kind::unknown},
          Error{errc::connection_lost, "m"}, Error{std::make_error_code(std::errc::io_error), "m"}}) {
        const Error back = Error::from(error.to_exception());
        CHECK(back.code == error.code);
        CHECK(back.message == error.message);
        CHECK(back.status == error.status);
        CHECK(back.kind == error.kind);
    }
}

TEST_CASE("any exception stands for an error") {
    CHECK(thrown(std::runtime_error("text")).code == errc::unknown_error);
    CHECK(thrown(std::runtime_error("text")).message == "text");
    CHECK(thrown(std::runtime_error("text")).kind == Kind::none);
    CHECK(thrown(std::system_error(std::make_error_code(std::errc::broken_pipe))).code == std::errc::broken_pipe);
    CHECK(thrown(42).code == errc::unknown_error);
    CHECK_FALSE(thrown(42).message.empty());
}

TEST_CASE("a result holds a value, which can be changed and moved out") {
    communica::Result<std::string> result(std::string("value"));
    CHECK(result);
    CHECK(result.has_value());
    CHECK(*result == "value");
    CHECK(result->size() == 5);
    *result += "!";
    CHECK(result.value() == "value!");
    CHECK(std::move(result).value() == "value!");
}

TEST_CASE("a result holds an error and throws it only when asked for the value") {
    communica::Result<int> result(Error{errc::busy, "later", 503, Kind::responder});
    CHECK_FALSE(result);
    CHECK(result.error().code == errc::busy);
    CHECK_THROWS_AS(result.value(), communica::ResponderError);
    CHECK_THROWS_AS(std::move(result).value(), communica::ResponderError);
}

TEST_CASE("a result gives another value where it is an error") {
    CHECK(communica::Result<int>(3).value_or(4) == 3);
    CHECK(communica::Result<int>(Error{errc::busy}).value_or(4) == 4);
    const communica::Result<std::string> failed(Error{errc::busy});
    CHECK(failed.value_or("other") == "other");
    const communica::Result<std::string> there(std::string("value"));
    CHECK(there.value() == "value");
    CHECK(there.value_or("other") == "value");
}

TEST_CASE("asking a result that is a value for its error throws") {
    CHECK_THROWS_AS(communica::Result<int>(3).error(), std::bad_variant_access);
    CHECK_THROWS_AS(communica::Result<void>().error(), std::bad_optional_access);
}

TEST_CASE("a result of nothing is a success or an error") {
    const communica::Result<void> success;
    CHECK(success);
    CHECK_NOTHROW(success.value());

    const communica::Result<void> failure(Error{errc::timeout});
    CHECK_FALSE(failure);
    CHECK(failure.error().code == errc::timeout);
    CHECK(test::code_of([&] {
              failure.value();
              return 0;
          }) == errc::timeout);
}

TEST_CASE("a result carries values that can only be moved") {
    communica::Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
    const std::unique_ptr<int> value = std::move(result).value();
    CHECK(*value == 3);
}

}  // namespace error_tests
