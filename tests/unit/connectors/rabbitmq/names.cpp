#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/names.hpp>

#include <set>
#include <string>

namespace rabbitmq_names_tests {

namespace {

using namespace communica::rabbitmq;

}  // namespace

TEST_CASE("every kind of message has a name of its own, by which it is known again") {
    std::set<std::string_view> names;
    for (int number = 0; number != static_cast<int>(Kind::unknown); ++number) {
        const auto kind = static_cast<Kind>(number);
        CHECK_FALSE(name_of(kind).empty());
        CHECK(kind_named(name_of(kind)) == kind);
        names.insert(name_of(kind));
    }
    CHECK(names.size() == kinds.size());
}

TEST_CASE("kinds have the Python library's names") {
    CHECK(name_of(Kind::connect_request) == "communica_client_connect");
    CHECK(name_of(Kind::connect_response) == "communica_client_connect_ok");
    CHECK(name_of(Kind::handshake_next) == "communica_handshake_next");
    CHECK(name_of(Kind::handshake_fail) == "communica_handshake_fail");
    CHECK(name_of(Kind::handshake_done) == "communica_handshake_done");
    CHECK(name_of(Kind::message) == "message");
    CHECK(name_of(Kind::listening) == "listening");
    CHECK(name_of(Kind::close) == "close");
}

TEST_CASE("a name that is none is of no known kind") {
    for (const char* name : {"", "Message", "message ", "communica_client", "unknown"}) {
        INFO(name);
        CHECK(kind_named(name) == Kind::unknown);
    }
    CHECK(name_of(Kind::unknown).empty());
}

TEST_CASE("queues have the Python library's names") {
    const QueueNames names{"calc.1"};
    CHECK(names.connect() == "communica.calc.1.connect.server");
    CHECK(names.to_client("ann") == "communica.calc.1.toClient.ann");
    CHECK(names.to_server("ann") == "communica.calc.1.toServer.ann");
}

TEST_CASE("address and client id have 224 bytes together, and a client id one at the least") {
    const QueueNames names{std::string(200, 'a')};
    CHECK_FALSE(names.fits(""));
    CHECK(names.fits("c"));
    CHECK(names.fits(std::string(24, 'c')));
    CHECK_FALSE(names.fits(std::string(25, 'c')));
    CHECK_FALSE(QueueNames{std::string(224, 'a')}.fits("c"));
}

TEST_CASE("the longest names of queues are within what AMQP can carry") {
    constexpr std::size_t longest = 255;
    const QueueNames names{std::string(max_names - 1, 'a')};
    CHECK(names.connect().size() <= longest);
    CHECK(names.to_client("c").size() <= longest);
    CHECK(names.to_server("c").size() <= longest);
}

}  // namespace rabbitmq_names_tests
