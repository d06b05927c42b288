#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/connectors/rabbitmq/hand_out.hpp>

#include <string>
#include <vector>

namespace rabbitmq_hand_out_tests {

namespace {

using communica::errc;
using communica::rabbitmq::Delivery;
using communica::rabbitmq::hand_out;
using communica::rabbitmq::Kind;
using namespace std::string_literals;

/// What a receiver was told.
struct Told {
    std::string metadata;
    std::string body = {};
    std::optional<errc> discarded = {};
    bool redelivered = false;
    bool operator==(const Told&) const = default;
};

struct Recorder final : communica::Receiver {
    void on_message(const communica::Message& message) override {
        told.push_back({std::string(message.metadata), std::string(communica::as_text(message.body)), std::nullopt,
                        message.redelivered});
    }
    void on_discarded(std::string_view metadata, errc why) override {
        told.push_back({std::string(metadata), {}, why});
    }
    void on_room() override {}
    void on_end(communica::Error) override {}

    std::vector<Told> told = {};
};

struct Delivering {
    communica::ConnectionOptions options = {};
    bool redelivered = false;
    std::optional<errc> cut = {};

    std::vector<Told> operator()(const std::string& body) const {
        Recorder recorder;
        hand_out({.kind = Kind::message, .body = body, .redelivered = redelivered, .cut = cut}, options, recorder);
        return recorder.told;
    }
    std::error_code error(const std::string& body) const {
        return test::code_of([&] { return (*this)(body); });
    }
};

using AllTold = std::vector<Told>;

const std::string request = R"({"id": "a", "type": 1})";

}  // namespace

TEST_CASE("a message is metadata up to the first zero byte, and the body behind it") {
    const Delivering deliver;
    CHECK(deliver("{}\0b\0dy"s) == AllTold{{"{}", "b\0dy"s}});
    CHECK(deliver("{}\0"s) == AllTold{{"{}", ""}});
    CHECK(deliver("\0body"s) == AllTold{{"", "body"}});
}

TEST_CASE("a message without a zero byte is against the protocol") {
    const Delivering deliver;
    CHECK(deliver.error("") == errc::protocol_error);
    CHECK(deliver.error("{}body") == errc::protocol_error);
    CHECK(deliver.error("{}\nbody") == errc::protocol_error);
}

TEST_CASE("metadata may be as long as the limit, and no longer") {
    const Delivering deliver{.options = {.limits = {.max_metadata = 5}}};
    CHECK(deliver("12345\0body"s) == AllTold{{"12345", "body"}});
    CHECK(deliver.error("123456\0body"s) == errc::protocol_error);
}

TEST_CASE("metadata over the limit is against the protocol also where the body was cut") {
    const Delivering deliver{.options = {.limits = {.max_metadata = 5}}, .cut = errc::busy};
    CHECK(deliver.error("123456") == errc::protocol_error);
    CHECK(deliver("12345\0"s) == AllTold{{"12345", "", errc::busy}});
}

TEST_CASE("a message whose body was cut is told with the reason, and without the rest of it") {
    for (const errc why : {errc::busy, errc::message_too_large}) {
        CHECK(Delivering{.cut = why}(request + "\0res"s) == AllTold{{request, "", why}});
    }
}

TEST_CASE("metadata and body may be as large together as the limit, and no larger") {
    const Delivering deliver{.options = {.limits = {.max_message = 8}}};
    CHECK(deliver("1234\x00"
                  "5678"s) == AllTold{{"1234", "5678"}});
    CHECK(deliver("1234\x00"
                  "56789"s) == AllTold{{"1234", "", errc::message_too_large}});
}

TEST_CASE("a message that was delivered before is handed out as such") {
    CHECK(Delivering{.redelivered = true}(request + "\0x"s) == AllTold{{request, "x", std::nullopt, true}});
}

TEST_CASE("the bytes of a message are counted") {
    const auto counters = std::make_shared<communica::Counters>();
    const Delivering deliver{.options = {.counters = counters}};
    deliver("{}\0body"s);
    CHECK(counters->bytes_received == 7);
}

}  // namespace rabbitmq_hand_out_tests
