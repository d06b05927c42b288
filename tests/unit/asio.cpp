#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <communica/asio.hpp>
#include <communica/error.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

namespace asio_tests {

namespace {

using communica::base::with_standard_errors;

void open_twice(asio::io_context& context) {
    asio::ip::tcp::socket socket(context);
    socket.open(asio::ip::tcp::v4());
    socket.open(asio::ip::tcp::v4());
}

asio::awaitable<void> open_twice_later(asio::io_context* context) {
    open_twice(*context);
    co_return;
}

}  // namespace

TEST_CASE("what a function of Asio throws is a std::system_error of the same words") {
    asio::io_context context;
    const auto call = [&] { with_standard_errors([&] { open_twice(context); }); };
    CHECK(test::code_of(call) == asio::error::already_open);
    CHECK(test::what_of(call) == "open: Already open");
}

TEST_CASE("what Asio throws in a coroutine is a std::system_error") {
    asio::io_context context;
    const auto call = [&] { test::run(context, [&] { return with_standard_errors(open_twice_later(&context)); }); };
    CHECK(test::code_of(call) == asio::error::already_open);
}

TEST_CASE("an exception of Asio's is an error with its code") {
    asio::io_context context;
    try {
        open_twice(context);
    } catch (...) {
        CHECK(communica::Error::from(std::current_exception()).code == asio::error::already_open);
        return;
    }
    FAIL("nothing was thrown");
}

TEST_CASE("the error of what was awaited is thrown, and none if it has none") {
    const auto call = [](asio::error_code error) { communica::throw_error(std::tuple(error, 1)); };
    CHECK(test::code_of([&] { call(asio::error::eof); }) == asio::error::eof);
    CHECK_NOTHROW(call({}));
}

}  // namespace asio_tests
