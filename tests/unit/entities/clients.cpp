#include "support/catch.hpp"

#include <communica/entities/clients.hpp>

#include <asio/io_context.hpp>

#include <memory>
#include <string>

namespace clients_tests {

using communica::Credentials;
using communica::errc;
using communica::entities::Clients;
namespace peer = communica::peer;

namespace {

struct Known {
    std::shared_ptr<peer::Peer> make(const std::string& id) {
        ++made;
        return std::make_shared<peer::Peer>(
            peer::PeerSettings{context.get_executor(), std::make_shared<peer::Handlers>(peer::HandlerMap{})}, id);
    }
    std::error_code refusal(const std::string& id, const Credentials& credentials) {
        try {
            clients.arrive(id, credentials);
            return {};
        } catch (const std::system_error& e) {
            return e.code();
        }
    }

    asio::io_context context;
    int made = 0;
    Clients clients{std::make_shared<peer::Requester>(context.get_executor(), 1000), 2, 1,
                    [this](const std::string& id) { return make(id); }};
};

constexpr Credentials of_user(std::int64_t uid) { return {.pid = 1, .uid = uid}; }

}  // namespace

TEST_CASE("a client id that was here belongs to its user, also while he is away") {
    Known known;
    auto stay = known.clients.arrive("ann", of_user(1));
    CHECK(known.refusal("ann", of_user(2)) == errc::handshake_failed);
    CHECK(known.refusal("ann", Credentials{}) == errc::handshake_failed);
    CHECK_FALSE(known.refusal("ann", of_user(1)));
    stay.reset();
    CHECK(known.refusal("ann", of_user(2)) == errc::handshake_failed);
    CHECK_FALSE(known.refusal("ann", of_user(1)));
    CHECK_FALSE(known.refusal("bob", of_user(2)));
}

TEST_CASE("a client id belongs to its user for as long as the server lives, whatever others say meanwhile") {
    Known known;
    CHECK_FALSE(known.refusal("ann", of_user(1)));
    known.clients.expire("ann");  // as after the resume window
    CHECK(known.refusal("ann", of_user(2)) == errc::handshake_failed);
    for (int number = 0; number != 5000; ++number) {
        CHECK_FALSE(known.refusal(std::to_string(number), of_user(2)));
    }
    CHECK(known.refusal("ann", of_user(2)) == errc::handshake_failed);
    CHECK(known.refusal("ann", Credentials{}) == errc::handshake_failed);
    CHECK_FALSE(known.refusal("ann", of_user(1)));
    known.clients.close_all({errc::closed});
    known.clients.open();
    CHECK(known.refusal("ann", of_user(2)) == errc::handshake_failed);
    // Only the server itself gives it up.
    CHECK_FALSE(known.clients.forget("ann"));
    CHECK_FALSE(known.refusal("ann", of_user(2)));
}

TEST_CASE("where nobody vouches for users the newest connection of an id counts") {
    Known known;
    const auto first = known.clients.arrive("ann", Credentials{});
    const auto second = known.clients.arrive("ann", Credentials{});
    CHECK(first->peer() == second->peer());
    CHECK(known.made == 1);
}

TEST_CASE("a user who asks for a client's id before it came does not own it") {
    Known known;
    known.clients.find_or_expect("ann");
    CHECK_FALSE(known.refusal("ann", of_user(1)));
    CHECK(known.refusal("ann", of_user(2)) == errc::handshake_failed);
}

TEST_CASE("a client with two connections counts once, and is here until both have ended") {
    Known known;
    auto first = known.clients.arrive("ann", of_user(1));
    auto second = known.clients.arrive("ann", of_user(1));
    auto bob = known.clients.arrive("bob", of_user(1));
    CHECK(known.refusal("carl", of_user(1)) == errc::handshake_failed);
    first.reset();
    CHECK(known.refusal("carl", of_user(1)) == errc::handshake_failed);
    second.reset();
    CHECK_FALSE(known.refusal("carl", of_user(1)));
}

TEST_CASE("of more absent clients than are remembered the one that is away longest is forgotten") {
    Known known;
    const auto ann = known.clients.arrive("ann", of_user(1))->peer();
    CHECK(known.clients.find_or_expect("ann") == ann);
    known.clients.arrive("bob", of_user(1));
    CHECK(known.clients.find_or_expect("ann") != ann);
}

}  // namespace clients_tests
