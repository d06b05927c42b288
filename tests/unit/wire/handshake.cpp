#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"

#include <communica/wire/handshake.hpp>

#include <cstring>

namespace handshake_tests {

namespace wire = communica::wire;

namespace {

using communica::errc;

void put(wire::ReadBuffer& buffer, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto room = buffer.prepare();
        const std::size_t count = std::min(room.size(), bytes.size());
        std::memcpy(room.data(), bytes.data(), count);
        buffer.commit(count);
        bytes.remove_prefix(count);
    }
}

std::optional<std::string> hello_in(std::string_view bytes) {
    wire::ReadBuffer buffer;
    put(buffer, bytes);
    return wire::take_hello(buffer);
}

}  // namespace

TEST_CASE("the hellos of the Python library are read and written byte for byte") {
    for (const auto& [name, json] :
         {std::pair{"server_hello", R"({"hello": "hello"})"}, std::pair{"client_hello", R"({"client_id": "cafe"})"},
          std::pair{"client_hello_python", R"({"client_id": "deadbeef"})"}}) {
        CHECK(hello_in(test::golden(name)) == json);
        CHECK(wire::frame_hello(json) == test::golden(name));
    }
}

TEST_CASE("a hello is taken with its last byte, and leaves what follows it") {
    const std::string bytes = test::golden("client_hello") + test::golden("simple_ok_request");
    wire::ReadBuffer buffer;
    for (std::size_t at = 0; at != test::golden("client_hello").size() - 1; ++at) {
        put(buffer, std::string_view(bytes).substr(at, 1));
        REQUIRE_FALSE(wire::take_hello(buffer));
    }
    put(buffer, std::string_view(bytes).substr(test::golden("client_hello").size() - 1));
    CHECK(wire::take_hello(buffer) == R"({"client_id": "cafe"})");
    CHECK(buffer.unread() == test::golden("simple_ok_request"));
}

TEST_CASE("a hello is at most as long as the Python library reads") {
    const std::string longest(wire::max_hello, 'x');
    CHECK(hello_in(longest + '\0') == longest);
    CHECK(hello_in(longest) == std::nullopt);
    CHECK(test::code_of([&] { return hello_in(longest + "x"); }) == errc::handshake_failed);
    CHECK(test::code_of([&] { return hello_in(longest + "x" + '\0'); }) == errc::handshake_failed);
    CHECK(test::code_of([&] { return hello_in(std::string(1'000'000, 'x')); }) == errc::handshake_failed);
    // What comes behind a hello does not count.
    CHECK(hello_in(longest + '\0' + std::string(100'000, 'y')) == longest);
}

TEST_CASE("an empty hello is a hello of nothing: it is JSON that decides") {
    CHECK(hello_in(std::string(1, '\0')) == "");
}

TEST_CASE("text that can't be a hello is not framed as one") {
    CHECK(test::code_of([] { return wire::frame_hello("a\x04z"); }) == errc::invalid_argument);
    CHECK(test::code_of([] { return wire::frame_hello(std::string_view("a\0z", 3)); }) == errc::invalid_argument);
    CHECK(test::code_of([] { return wire::frame_hello(std::string(wire::max_hello, 'x')); }) == errc::invalid_argument);
    CHECK(wire::frame_hello(std::string(wire::max_hello - 1, 'x')).size() == wire::max_hello);
}

TEST_CASE("a refusal before any hello gives its reason") {
    CHECK(wire::read_refusal(test::golden("handshake_failure_first"))->message == "server busy");
    CHECK(wire::begins_refusal(test::golden("handshake_failure_first")));
    CHECK(hello_in(test::golden("handshake_failure_first")) == std::nullopt);
}

TEST_CASE("a refusal behind the hello gives its reason") {
    wire::ReadBuffer buffer;
    put(buffer, test::golden("handshake_failure_late"));
    CHECK(wire::take_hello(buffer) == R"({"hello": "hello"})");
    CHECK(wire::begins_refusal(buffer.unread()));
    CHECK(wire::read_refusal(buffer.unread())->message == "unknown client");
}

TEST_CASE("a refusal is known by its fifth byte, and no frame is taken for one") {
    const std::string refusal = test::golden("handshake_failure_first");
    for (std::size_t size = 0; size != refusal.size(); ++size) {
        CHECK(wire::begins_refusal(std::string_view(refusal).substr(0, size)) == (size >= 5));
        CHECK(wire::may_begin_refusal(std::string_view(refusal).substr(0, size)) == (size < 5));
    }
    for (const auto& vector : test::golden_vectors()) {
        if (vector.bytes.size() >= 5 && vector.bytes[0] != '\x04') {
            CHECK_FALSE(wire::begins_refusal(vector.bytes));
            CHECK_FALSE(wire::may_begin_refusal(std::string_view(vector.bytes).substr(0, 4)));
            CHECK(!wire::read_refusal(vector.bytes));
        }
    }
}

TEST_CASE("a refusal that is written is one that is read") {
    for (const std::string& reason :
         {std::string("server busy"), std::string("\"quoted\" and \n"), std::string("\xc3\xa9")}) {
        const std::string refusal = wire::frame_refusal(reason);
        CHECK(refusal.front() == '\x04');
        CHECK(refusal.find('\0') == std::string::npos);
        CHECK(wire::begins_refusal(refusal));
        CHECK(wire::read_refusal(refusal)->message == reason);
    }
    CHECK(nlohmann::json::parse(wire::frame_refusal("server busy").substr(1)) ==
          nlohmann::json::parse(test::golden("handshake_failure_first").substr(1)));
}

TEST_CASE("a refusal says whether it is final, and no other code") {
    for (const errc code : {errc::authentication_failed, errc::replaced}) {
        CHECK(wire::read_refusal(wire::frame_refusal("no", code))->code == code);
    }
    CHECK(wire::frame_refusal("no", errc::closed) == wire::frame_refusal("no"));
    for (const char* text : {"\x04{\"errc\": \"closed\"}", "\x04{\"errc\": 7}", "\x04{}"}) {
        CHECK(wire::read_refusal(text)->code == errc::handshake_failed);
    }
}

TEST_CASE("a reason that is not UTF-8 is still sent") {
    CHECK(wire::read_refusal(wire::frame_refusal("bad \xff"))->message == "bad \xef\xbf\xbd");
}

TEST_CASE("a refusal without a readable reason is still a refusal") {
    for (const char* text :
         {"\x04", "\x04{\"re", "\x04{}", "\x04[]", "\x04{\"reason\": 7}", "\x04{\"reason\": null}", "\x04!"}) {
        CHECK(wire::read_refusal(text)->message == "no reason given");
    }
}

}  // namespace handshake_tests
