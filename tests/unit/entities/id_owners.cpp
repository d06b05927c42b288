#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/entities/id_owners.hpp>

#include <string>

namespace id_owners_tests {

using communica::Credentials;
using communica::errc;
using communica::entities::IdOwners;

namespace {

Credentials user(std::int64_t uid) { return {.uid = uid}; }
Credentials holder(std::string subject) { return {.subject = std::move(subject)}; }

std::error_code claim(IdOwners& owners, const std::string& id, const Credentials& who) {
    return test::code_of([&] {
        owners.claim(id, who);
        return 0;
    });
}

}  // namespace

TEST_CASE("an id is its first user's, by uid or by the subject of a certificate") {
    IdOwners owners;
    CHECK_FALSE(claim(owners, "a", user(1)));
    CHECK_FALSE(claim(owners, "a", user(1)));
    CHECK(claim(owners, "a", user(2)) == errc::handshake_failed);
    CHECK(claim(owners, "a", Credentials{}) == errc::handshake_failed);
    CHECK(claim(owners, "a", holder("CN=a")) == errc::handshake_failed);
    CHECK_FALSE(claim(owners, "b", holder("CN=b")));
    CHECK(claim(owners, "b", holder("CN=c")) == errc::handshake_failed);
    owners.release("a");
    owners.release("never said");
    CHECK_FALSE(claim(owners, "a", user(2)));
}

TEST_CASE("who is not known owns nothing") {
    IdOwners owners;
    CHECK_FALSE(claim(owners, "a", Credentials{.pid = 1}));
    CHECK_FALSE(claim(owners, "a", user(1)));
    CHECK(claim(owners, "a", Credentials{}) == errc::handshake_failed);
}

TEST_CASE("who says too many ids loses those that he said longest ago, and takes nothing from others") {
    IdOwners owners;
    CHECK_FALSE(claim(owners, "mine", user(1)));
    for (std::size_t number = 0; number != IdOwners::max_of_one; ++number) {
        REQUIRE_FALSE(claim(owners, std::to_string(number), user(2)));
    }
    CHECK_FALSE(claim(owners, "0", user(2)));  // said last again
    CHECK_FALSE(claim(owners, "one more", user(2)));
    CHECK(claim(owners, "0", user(3)) == errc::handshake_failed);
    CHECK_FALSE(claim(owners, "1", user(3)));
    CHECK(claim(owners, "mine", user(2)) == errc::handshake_failed);
}

TEST_CASE("where all are full, the user with the most ids makes room, and nobody loses his only one") {
    IdOwners owners;
    CHECK_FALSE(claim(owners, "greedy 1", user(-1)));
    CHECK_FALSE(claim(owners, "greedy 2", user(-1)));
    for (std::size_t number = 2; number != IdOwners::max_of_all; ++number) {
        REQUIRE_FALSE(claim(owners, std::to_string(number), user(static_cast<std::int64_t>(number))));
    }
    CHECK_FALSE(claim(owners, "newcomer", user(-2)));
    CHECK(claim(owners, "greedy 2", user(-2)) == errc::handshake_failed);
    CHECK(claim(owners, "another", user(-3)) == errc::handshake_failed);  // all have one
    CHECK_FALSE(claim(owners, "2", user(2)));
    owners.release("2");
    CHECK_FALSE(claim(owners, "another", user(-3)));
    CHECK_FALSE(claim(owners, "greedy 1", Credentials{}));  // which made room
}

}  // namespace id_owners_tests
