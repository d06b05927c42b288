#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/connectors/rabbitmq/login.hpp>

#include <set>

namespace rabbitmq_login_tests {

namespace {

using namespace communica::rabbitmq;
using namespace std::chrono_literals;
using namespace std::string_literals;

/// What a broker reads.
struct Login {
    std::string mechanism = {};
    std::string response = {};
    std::string locale = {};
    std::string product = {};
    std::set<std::string> abilities = {};
};

Login read(std::string bytes) {
    Login login;
    FrameDecoder decoder;
    decoder.feed(bytes, [&](const amqp_frame_t& frame) {
        REQUIRE(frame.channel == 0);
        REQUIRE(frame.payload.method.id == AMQP_CONNECTION_START_OK_METHOD);
        const auto& start_ok = *static_cast<const amqp_connection_start_ok_t*>(frame.payload.method.decoded);
        login.mechanism = text_of(start_ok.mechanism);
        login.response = text_of(start_ok.response);
        login.locale = text_of(start_ok.locale);
        const auto entries = [](const amqp_table_t& table) {
            return std::span(table.entries, static_cast<std::size_t>(table.num_entries));
        };
        for (const amqp_table_entry_t& property : entries(start_ok.client_properties)) {
            if (text_of(property.key) == "product") {
                login.product = text_of(property.value.value.bytes);
            } else {
                CHECK(text_of(property.key) == "capabilities");
                for (const amqp_table_entry_t& ability : entries(property.value.value.table)) {
                    CHECK(ability.value.value.boolean != 0);
                    login.abilities.emplace(text_of(ability.key));
                }
            }
        }
    });
    return login;
}

Login log_in(std::string_view user, std::string_view password) {
    std::string bytes;
    append_login(bytes, user, password);
    return read(bytes);
}

}  // namespace

TEST_CASE("a login has user and password in the form of SASL's PLAIN") {
    const Login login = log_in("ann", "s\xc3\xa9 cret");
    CHECK(login.mechanism == "PLAIN");
    CHECK(login.response == "\0ann\0s\xc3\xa9 cret"s);
    CHECK(login.locale == "en_US");
    CHECK(log_in("", "").response == "\0\0"s);
}

TEST_CASE("a login says what this side understands beyond AMQP 0-9-1") {
    const Login login = log_in("ann", "secret");
    CHECK(login.product == "communica");
    CHECK(login.abilities == std::set<std::string>{"publisher_confirms", "basic.nack", "consumer_cancel_notify",
                                                   "connection.blocked", "authentication_failure_close"});
}

TEST_CASE("a password that no frame can carry is refused") {
    CHECK(log_in("ann", std::string(3000, 'p')).response.size() == 3005);
    std::string bytes;
    CHECK(test::code_of([&] {
              append_login(bytes, "ann", std::string(smallest_frame_max, 'p'));
              return 0;
          }) == communica::errc::invalid_argument);
    CHECK(bytes.empty());
}

TEST_CASE("all hosts together have less time than a client has for connecting") {
    CHECK(time_for_host(1) == 10s);
    for (const std::size_t count : {std::size_t{2}, std::size_t{3}, std::size_t{10}}) {
        const auto time = time_for_host(count);
        CHECK(time * static_cast<int>(count) < 10s);
        CHECK(time * static_cast<int>(count) > 5s);
    }
}

}  // namespace rabbitmq_login_tests
