#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/connectors/rabbitmq/url.hpp>

namespace rabbitmq_url_tests {

namespace {

using communica::errc;
using communica::rabbitmq::Url;

std::string why_not(const std::string& text) {
    CHECK(test::code_of([&] { return Url::parse(text); }) == errc::invalid_argument);
    return test::what_of([&] { return Url::parse(text); }).value_or("");
}

}  // namespace

TEST_CASE("an URL says host, port, vhost, user and password, and has defaults for all but the host") {
    CHECK(Url::parse("amqp://broker") == Url{.hosts = {{"broker", 5672}}});
    CHECK(Url::parse("AMQPS://broker/") == Url{.tls = true, .hosts = {{"broker", 5671}}});
    CHECK(Url::parse("amqp://ann:secret@broker:1234/orders?heartbeat=5") ==
          Url{.hosts = {{"broker", 1234}}, .user = "ann", .password = "secret", .vhost = "orders", .heartbeat = 5});
    CHECK(Url::parse("amqp://ann@broker?heartbeat=0").user == "ann");
    CHECK(Url::parse("amqp://ann@broker?heartbeat=0").heartbeat == 0);
    CHECK(Url::parse("amqp://ann@broker").password == "guest");
    CHECK(Url::parse("amqp://ann:@broker").password.empty());
}

TEST_CASE("user, password, host and vhost of an URL may be percent-encoded") {
    const Url url = Url::parse("amqp://a%6En:p%40ss%3a%2F@br%6fker/%2f%C3%A9");
    CHECK(url.user == "ann");
    CHECK(url.password == "p@ss:/");
    CHECK(url.hosts == std::vector<Url::Host>{{"broker", 5672}});
    CHECK(url.vhost == "/\xc3\xa9");
    CHECK(Url::parse("amqp://ann:p@ss@broker").password == "p@ss");  // the last @ ends it
}

TEST_CASE("an URL names the hosts of a cluster, IPv6 addresses too") {
    CHECK(Url::parse("amqp://one,two:5673,[::1],[fe80::1]:5674/x").hosts ==
          std::vector<Url::Host>{{"one", 5672}, {"two", 5673}, {"::1", 5672}, {"fe80::1", 5674}});
}

TEST_CASE("an URL for people has no password in it") {
    CHECK(Url::parse("amqp://ann:secret@one,[::1]:5674").text() == "amqp://ann:***@one:5672,[::1]:5674/");
    CHECK(Url::parse("amqps://ann:secret@one/orders").text() == "amqps://ann:***@one:5671/orders");
}

TEST_CASE("what is no URL of a broker is refused, with the reason and without the password") {
    CHECK(why_not("").find("amqp://") != std::string::npos);
    CHECK(why_not("http://broker").find("amqp://") != std::string::npos);
    CHECK(why_not("amqp:/broker").find("amqp://") != std::string::npos);
    CHECK(why_not("amqp").find("amqp://") != std::string::npos);
    for (const char* hostless :
         {"amqp://", "amqp:///x", "amqp://ann:secret@", "amqp://:5672", "amqp://a,,b", "amqp://[]"}) {
        CHECK(why_not(hostless).find("names a host") != std::string::npos);
    }
    CHECK(why_not("amqp://[::1").find("]") != std::string::npos);
    for (const char* port :
         {"amqp://a:", "amqp://a:x", "amqp://a:65536", "amqp://a:-1", "amqp://[::1]5672", "amqp://a:1x"}) {
        CHECK(why_not(port).find("as its port") != std::string::npos);
    }
    CHECK(why_not("amqp://a:0").find("port 0") != std::string::npos);
    CHECK(why_not("amqp://a/b/c").find("%2F") != std::string::npos);
    CHECK(why_not("amqp://a?heartbeat=x").find("as its heartbeat") != std::string::npos);
    CHECK(why_not("amqp://a?heartbeat").find("as its heartbeat") != std::string::npos);
    CHECK(why_not("amqp://a?frame_max=1").find("frame_max") != std::string::npos);
    for (const char* bad :
         {"amqp://ann:secret%@a", "amqp://ann:secret%4@a", "amqp://ann:secret%4g@a", "amqp://ann:secret%+4@a"}) {
        CHECK(why_not(bad).find("hexadecimal") != std::string::npos);
        CHECK(why_not(bad).find("secret") == std::string::npos);
    }
}

}  // namespace rabbitmq_url_tests
