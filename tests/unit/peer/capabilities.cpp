#include "support/catch.hpp"

#include <communica/peer/capabilities.hpp>

namespace offer_tests {

namespace {

using communica::peer::Capabilities;
using communica::peer::full_offer;
using communica::peer::read_capabilities;
using communica::peer::write_offer;
using nlohmann::json;

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// The offer in a hello that holds this under its key.
Capabilities read(std::string_view text) { return read_capabilities(json{{"communica", json::parse(text)}}); }

bool offers_anything(const Capabilities& offer) {
    return offer.cancel || offer.deadline || offer.goodbye || offer.headers || offer.ping || !offer.session.empty() ||
           offer.max_message != no_limit;
}

}  // namespace

TEST_CASE("who says nothing offers nothing, and takes messages of any size") {
    CHECK_FALSE(offers_anything(Capabilities()));
}

TEST_CASE("a full offer has every extension, and is read as it was written") {
    const Capabilities offer = full_offer("00ff", 1234);
    CHECK(write_offer(offer) ==
          R"({"session": "00ff", "max_message": 1234, "notifications_ahead": [8192, 16777216], )"
          R"("extensions": ["cancel", "deadline", "flush", "goodbye", "headers", "inspect", "notifications", "ping", )"
          R"("resume", "streams"]})");
    const Capabilities back = read(write_offer(offer));
    CHECK(back.session == "00ff");
    CHECK(back.max_message == 1234);
    CHECK((back.cancel && back.deadline && back.goodbye && back.headers && back.notifications && back.ping));
    CHECK(back.ahead.items == 8192);
    CHECK(back.ahead.bytes == 16 * 1024 * 1024);
}

TEST_CASE("the number of descriptors is offered where they pass, and 0 if it is not of its form") {
    Capabilities offer = full_offer("00ff", 1234);
    CHECK(read(write_offer(offer)).max_descriptors == 0);
    offer.max_descriptors = 253;
    CHECK(read(write_offer(offer)).max_descriptors == 253);
    for (const char* most : {"null", "-1", "1.5", "\"7\"", "[7]"}) {
        INFO(most);
        CHECK(read(std::string(R"({"session": "s", "max_descriptors": )") + most + "}").max_descriptors == 0);
    }
}

TEST_CASE("limits for notifications that are not of their form, or not there, are not offered") {
    for (const char* ahead : {"null", "7", "[]", "[1]", "[1, 2, 3]", "[1, -2]", "[1.5, 2]", R"(["1", 2])", "{}"}) {
        INFO(ahead);
        const Capabilities offer = read(
            std::string(R"({"session": "s", "extensions": ["notifications"], "notifications_ahead": )") + ahead + "}");
        CHECK_FALSE(offer.notifications);
        CHECK(offer.ahead.items == no_limit);
    }
    CHECK_FALSE(read(R"({"session": "s", "extensions": ["notifications"]})").notifications);
    const Capabilities least =
        read(R"({"session": "s", "extensions": ["notifications"], "notifications_ahead": [0, 0]})");
    CHECK(least.ahead.items == 1);
    CHECK(least.ahead.bytes == 1);
}

TEST_CASE("a session has at most 1 KiB: with a longer one nothing is offered") {
    Capabilities offer = full_offer(std::string(communica::peer::max_session, 's'), 1234);
    CHECK(read(write_offer(offer)).session == offer.session);
    offer.session += 's';
    CHECK_FALSE(offers_anything(read(write_offer(offer))));
}

TEST_CASE("an offer of some extensions is read as it was written") {
    const Capabilities none = read(write_offer({.session = "s"}));
    CHECK(none.session == "s");
    CHECK(none.max_message == no_limit);
    CHECK_FALSE((none.cancel || none.deadline || none.goodbye || none.headers || none.ping));
    const Capabilities some = read(write_offer({.session = "s", .goodbye = true, .ping = true}));
    CHECK((some.goodbye && some.ping));
    CHECK_FALSE((some.cancel || some.deadline || some.headers));
}

TEST_CASE("a hello without an offer, or with one that is no object, offers nothing") {
    for (const char* hello :
         {"{}", "[]", "null", "7", R"("communica")", R"({"hello": "hello"})", R"(["communica"])",
          R"({"communica": null})", R"({"communica": 7})", R"({"communica": "ping"})", R"({"communica": ["ping"]})",
          R"({"communica": true})", R"({"communica": {}})", R"({"more": {"communica": {"session": "s"}}})"}) {
        INFO(hello);
        CHECK_FALSE(offers_anything(read_capabilities(json::parse(hello))));
    }
}

TEST_CASE("what is not of its form in an offer is not offered, and without a session nothing is") {
    for (const char* session : {"null", "7", "[]", "{}", "true", R"(["s"])"}) {
        const Capabilities offer = read(std::string(R"({"session": )") + session + R"(, "max_message": 5})");
        CHECK(offer.session.empty());
        CHECK(offer.max_message == no_limit);
    }
    for (const char* size : {"null", "-1", "1.5", "\"5\"", "[5]", "{}", "true", "1e300"}) {
        const Capabilities offer = read(std::string(R"({"session": "s", "max_message": )") + size + "}");
        CHECK(offer.session == "s");
        CHECK(offer.max_message == no_limit);
    }
    for (const char* names : {"null", "7", "\"ping\"", R"({"ping": true})", "[]", R"([["ping"]])", R"([7, null, {}])",
                              R"(["Ping", "ping ", ""])"}) {
        const Capabilities offer = read(std::string(R"({"session": "s", "extensions": )") + names + "}");
        CHECK(offer.session == "s");
        CHECK_FALSE((offer.cancel || offer.deadline || offer.goodbye || offer.headers || offer.ping));
    }
}

TEST_CASE("extensions that are not known are ignored, and one may be named twice") {
    const Capabilities offer =
        read(R"({"session": "s", "more": 1, "extensions": ["streams", 7, "ping", null, "ping", "cancel"]})");
    CHECK((offer.ping && offer.cancel));
    CHECK_FALSE((offer.deadline || offer.goodbye || offer.headers));
}

TEST_CASE("the largest size that an offer can name is read") {
    CHECK(read(R"({"session": "s", "max_message": 18446744073709551615})").max_message == no_limit);
    CHECK(read(R"({"session": "s", "max_message": 0})").max_message == 0);
}

}  // namespace offer_tests
