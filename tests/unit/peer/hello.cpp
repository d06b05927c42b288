#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/hello.hpp>
#include <communica/wire/handshake.hpp>

#include <set>
#include <string_view>

namespace hello_tests {

namespace peer = communica::peer;
using communica::errc;

namespace {

const peer::Capabilities offer = peer::full_offer("00ff", 1000);

std::string client_id_in(std::string_view hello) { return peer::client_id_in(communica::wire::parse_hello(hello)); }

}  // namespace

TEST_CASE("a client's hello is the Python library's, with a key more") {
    const std::string offered = peer::write_offer(offer);
    for (const auto& [id, vector] : {std::pair{"cafe", "client_hello"}, std::pair{"deadbeef", "client_hello_python"}}) {
        const std::string golden = test::golden(vector);  // it ends in a brace and a zero byte
        const std::string without_end = golden.substr(0, golden.size() - 2);
        CHECK(peer::client_hello(id, offer) == without_end + ", \"communica\": " + offered + "}");
    }
}

TEST_CASE("a server answers who offers nothing as the Python library does, byte for byte") {
    CHECK(peer::server_hello({}, offer) + '\0' == test::golden("server_hello"));
}

TEST_CASE("a server answers an offer with its own") {
    const peer::Capabilities of_client{.session = "01ab"};
    const std::string hello = peer::server_hello(of_client, offer);
    CHECK(hello.starts_with(R"({"hello": "hello", "communica": {)"));
    const auto back = peer::read_capabilities(communica::wire::parse_hello(hello));
    CHECK(back.session == "00ff");
    CHECK(back.max_message == 1000);
    CHECK(back.ping);
}

TEST_CASE("a hello brings its offer to the other side") {
    const auto hello = communica::wire::parse_hello(peer::client_hello("cafe", offer));
    CHECK(peer::client_id_in(hello) == "cafe");
    CHECK(peer::read_capabilities(hello).session == "00ff");
    CHECK(peer::read_capabilities(hello).goodbye);
}

TEST_CASE("a client id of any text is escaped to ASCII, and read back") {
    for (const std::string& id : {std::string("a\"b\\c"), std::string("\xc3\xa9\xf0\x9f\x98\x80"),
                                  std::string("\x04\x01"), std::string("a\0b", 3)}) {
        const std::string hello = peer::client_hello(id, offer);
        CHECK(client_id_in(hello) == id);
        for (const char byte : hello) {
            CHECK((byte >= ' ' && byte <= '~'));
        }
    }
}

TEST_CASE("a client id is a string, or another scalar's text") {
    CHECK(client_id_in(R"({"client_id": "x", "more": [1]})") == "x");
    CHECK(client_id_in(R"({"client_id":7})") == "7");
    CHECK(client_id_in(R"({"client_id": null})") == "null");
    CHECK(client_id_in(R"({"client_id": true})") == "true");
    CHECK(client_id_in(R"({"client_id": "a", "client_id": "b"})") == "b");
}

TEST_CASE("a client's hello without a usable id fails the handshake") {
    for (const char* hello : {"", "{}", "[]", "\"client_id\"", "null", "{\"client_id\"", R"({"client_id": ["x"]})",
                              R"({"client_id": {}})", R"({"hello": "hello"})", "{\"client_id\": \"\xff\"}"}) {
        INFO(hello);
        CHECK(test::code_of([&] { return client_id_in(hello); }) == errc::handshake_failed);
    }
}

TEST_CASE("a server's hello only has to be JSON") {
    for (const char* hello : {R"({"hello": "hello"})", "{}", "[]", "1", "null", R"({"hello":{"a":[1]}})"}) {
        CHECK_NOTHROW(communica::wire::parse_hello(hello));
    }
    CHECK(test::code_of([] { return communica::wire::parse_hello("hello"); }) == errc::handshake_failed);
}

TEST_CASE("a hello nested too deep fails the handshake") {
    CHECK(test::code_of([] {
              return communica::wire::parse_hello(std::string(30'000, '[') + std::string(30'000, ']'));
          }) == errc::handshake_failed);
    CHECK(test::code_of([] { return client_id_in(R"({"client_id": )" + std::string(1'000'000, '[')); }) ==
          errc::handshake_failed);
}

TEST_CASE("random client ids are 32 hexadecimal digits, each another") {
    std::set<std::string> ids;
    for (int round = 0; round != 100; ++round) {
        const std::string id = peer::random_client_id();
        CHECK(id.size() == 32);
        CHECK(id.find_first_not_of("0123456789abcdef") == id.npos);
        CHECK(ids.insert(id).second);
    }
}

TEST_CASE("a handshake that takes too long is cut, one that does not is left alone") {
    asio::io_context context;
    const auto slow = std::make_shared<test::RecordingConnection>(context);
    const auto quick = std::make_shared<test::RecordingConnection>(context);
    const peer::HandshakeDeadline passed(slow, std::chrono::steady_clock::now());
    {
        const peer::HandshakeDeadline kept(quick, std::chrono::steady_clock::now() + std::chrono::hours{1});
    }
    context.run();
    CHECK(slow->closed == 1);
    CHECK(quick->closed == 0);
}

}  // namespace hello_tests
