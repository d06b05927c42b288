// Who has the key gets in, who has not does not, and nothing that was overheard helps.
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/check_awaited.hpp"
#include "support/logged_server.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/run.hpp"
#include "support/scripted_peer.hpp"

#include <asio/read_until.hpp>
#include <asio/ssl/stream.hpp>
#include <communica/communica.hpp>
#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>
#include <communica/schema/contract_check.hpp>

#include <fstream>

namespace shared_key {

using communica::errc;
using communica::Error;
using communica::KeyedConnector;
using communica::SharedKey;
using communica::TcpConnector;
using nlohmann::json;
using test::LoggedServer;
using test::TestConnector;
using Routes = communica::RouteTable<>;
using namespace std::chrono_literals;

namespace {

const std::string secret = "0123456789abcdef";
const std::string other_secret = "0123456789abcdeF";

/// How connecting ends: at once, or it would have tried again for an hour.
template <class Connector>
asio::awaitable<Error> refused(asio::io_context& context, Connector connector, std::string* log = nullptr) {
    communica::ClientOptions options = test::quick_client("guest");
    options.backoff = communica::BackoffOptions{.first = 1h};
    if (log != nullptr) {
        options.log = [log](communica::LogLevel, std::string_view line) { *log += std::string(line) + "\n"; };
    }
    communica::RouteClient client(context, std::move(connector), Routes(), std::move(options));
    const Error error = co_await test::error_of(client.connect());
    const Error last = client.last_error();
    CHECK(last.code == error.code);
    co_await client.close();
    co_return last;
}

std::string hello_with(const std::string& nonce) {
    return R"({"client_id": "guest", "communica": {"nonce": ")" + nonce + "\"}}" + '\0';
}
std::string proof_message(const std::string& proof) { return communica::wire::write_proof(proof) + '\0'; }
const std::string some_nonce(64, 'a');

/// What a server answers a hello with.
struct Challenge {
    std::string nonce;
    std::string proof;
};
asio::awaitable<Challenge> challenge_of(test::ScriptedPeer& peer) {
    const auto read = json::parse(co_await peer.read_hello()).at("communica");
    co_return Challenge{read.at("nonce").get<std::string>(), read.at("proof").get<std::string>()};
}

json refusal_in(const std::string& bytes) {
    CHECK(bytes.starts_with('\x04'));
    return json::parse(bytes.substr(1), nullptr, false);
}

}  // namespace

TEST_CASE("two sides with the same key talk, over every transport") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    const test::Meeting meeting(transport);
    LoggedServer guarded(with_key(meeting.at_server(), SharedKey(secret)));
    guarded.run([&]() -> asio::awaitable<void> {
        communica::RouteClient client(guarded.context, with_key(meeting.at_client(guarded), SharedKey(secret)),
                                      Routes(), test::quick_client());
        co_await client.connect();
        CHECK_AWAITED(json("hello"), client.request<json>("echo", "hello"));
        CHECK(guarded.came == std::vector<std::string>{"client"});
        co_await client.close();
    });
}

TEST_CASE("a client with no key, or with another, is refused at once, and both sides say why") {
    const auto transport = GENERATE(test::lasting_transports());
    const bool has_another = GENERATE(false, true);
    CAPTURE(transport, has_another);
    const test::Meeting meeting(transport);
    LoggedServer guarded(with_key(meeting.at_server(), SharedKey(secret)));
    const std::string at_client =
        has_another ? "the other side has another key" : "refused: this server wants a shared key";
    const std::string at_server =
        has_another ? "refused: the other side has another key" : "the client has no shared key";
    std::string log;
    guarded.run([&]() -> asio::awaitable<void> {
        const auto connector = meeting.at_client(guarded);
        asio::awaitable<Error> asking =
            has_another ? refused(guarded.context, with_key(connector, SharedKey(other_secret)), &log)
                        : refused(guarded.context, connector, &log);
        const Error error = co_await std::move(asking);
        CHECK(error.code == errc::authentication_failed);
        CHECK(error.text().starts_with(at_client));
        log += error.text();
        co_await guarded.logged("a handshake failed: " + at_server);
        CHECK(guarded.came.empty());
    });
    for (const std::string& text : {log, guarded.log}) {
        CHECK(text.find(secret) == std::string::npos);
        CHECK(text.find(other_secret) == std::string::npos);
    }
}

TEST_CASE("a server without a key refuses a client with one, and both sides say why") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    const test::Meeting meeting(transport);
    LoggedServer guarded(meeting.at_server());
    guarded.run([&]() -> asio::awaitable<void> {
        const Error error = co_await refused(guarded.context, with_key(meeting.at_client(guarded), SharedKey(secret)));
        CHECK(error.code == errc::authentication_failed);
        CHECK(error.text().find("the client has a shared key, and this server has none") != std::string::npos);
        co_await guarded.logged("this server has none");
        CHECK(guarded.came.empty());
    });
}

TEST_CASE("sides with a key compare their contracts after it") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    constexpr communica::Route<double(double)> half{"half"};
    constexpr communica::Route<int(int)> half_of_int{"half"};
    communica::DescribedTable<> routes;
    routes.add(half_of_int, [](int value) { return value / 2; });
    communica::ServerOptions options;
    options.contract = communica::ContractCheck().serves(routes);
    const test::Meeting meeting(transport);
    LoggedServer guarded(with_key(meeting.at_server(), SharedKey(secret)), routes, options);
    guarded.run([&]() -> asio::awaitable<void> {
        communica::ClientOptions asking = test::quick_client("guest");
        asking.contract = communica::ContractCheck().asks(half);
        asking.log = communica::no_log;
        communica::RouteClient client(guarded.context, with_key(meeting.at_client(guarded), SharedKey(secret)),
                                      Routes(), std::move(asking));
        co_await client.connect();
        CHECK(guarded.log.find("client \"guest\": the contracts differ: half: argument: ") != std::string::npos);
        co_await client.close();
    });
}

TEST_CASE("a server that knows of no keys, as the Python library's, does not get past the client") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        test::ScriptedListener listener(context, transport);
        communica::ClientOptions options = test::quick_client("guest");
        communica::RouteClient client(context, with_key(listener.connector(), SharedKey(secret)), Routes(), options);
        client.start();
        auto peer = co_await listener.accept();
        co_await peer.read_hello();
        co_await peer.send(test::server_hello);
        co_await peer.expect_end();
        CHECK(client.last_error().code == errc::authentication_failed);
        co_await client.close();
    });
}

TEST_CASE("a client that knows of no keys, as the Python library's, is refused with the reason") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const test::Meeting meeting(transport);
    LoggedServer guarded(with_key(meeting.at_server(), SharedKey(secret)));
    const std::string zero(1, '\0');
    const std::string hello = GENERATE_COPY(test::client_hello("guest"), "no JSON" + zero, "\x16\x03\x01" + zero,
                                            R"({"communica": {"nonce": "short"}})" + zero);
    CAPTURE(hello);
    guarded.run([&]() -> asio::awaitable<void> {
        auto peer = co_await test::ScriptedPeer::connect(guarded.connector_state());
        co_await peer.send(hello);
        const std::string came = co_await peer.read_to_end();
        CHECK(refusal_in(came) ==
              json{{"reason", "this server wants a shared key"}, {"errc", "authentication_failed"}});
        CHECK(guarded.came.empty());
    });
}

TEST_CASE("what was overheard does not let anybody in") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const test::Meeting meeting(transport);
    LoggedServer guarded(with_key(meeting.at_server(), SharedKey(secret)));
    guarded.run([&]() -> asio::awaitable<void> {
        const std::string state = guarded.connector_state();
        const std::string binding = transport == test::Transport::tcp ? "tcp" : "local";
        const std::string hello = hello_with(some_nonce);
        const std::string_view text(hello.data(), hello.size() - 1);

        // A whole handshake, as it should be.
        auto good = co_await test::ScriptedPeer::connect(state);
        co_await good.send(hello);
        const Challenge first = co_await challenge_of(good);
        CHECK(first.proof == communica::detail::proof(SharedKey(secret), "server", binding, text, first.nonce));
        const std::string overheard = communica::detail::proof(SharedKey(secret), "client", binding, text, first.nonce);
        co_await good.send(proof_message(overheard));
        co_await good.expect(test::server_hello);
        co_await test::until([&] { return guarded.came.size() == 1; });

        std::vector<std::pair<std::string, std::string>> attacks;
        {
            SECTION("replay: the same hello and the same proof") { attacks.emplace_back(hello, overheard); }
            SECTION("reflection: the server's own proof") { attacks.emplace_back(hello, ""); }
            SECTION("no proof, or what is none") {
                attacks.emplace_back(hello, std::string(64, '0'));
                attacks.emplace_back(hello, std::string(64, 'g'));
                attacks.emplace_back(hello, std::string(63, '0'));
                attacks.emplace_back(hello, std::string(65, '0'));
            }
        }
        for (const auto& [says, shows] : attacks) {
            auto attacker = co_await test::ScriptedPeer::connect(state);
            co_await attacker.send(says);
            const Challenge challenge = co_await challenge_of(attacker);
            CHECK(challenge.nonce != first.nonce);
            co_await attacker.send(proof_message(shows.empty() ? challenge.proof : shows));
            const std::string came = co_await attacker.read_to_end();
            CHECK(refusal_in(came).at("errc") == "authentication_failed");
        }
        CHECK(guarded.came.size() == 1);
        good.cut();
    });
}

TEST_CASE("a proof for one hello, role, transport or key is none for another") {
    const SharedKey key(secret);
    const std::string good = communica::detail::proof(key, "client", "tcp", "hello", some_nonce);
    CHECK(good == communica::detail::proof(SharedKey(secret), "client", "tcp", "hello", some_nonce));
    CHECK(communica::detail::is_same_proof(good, std::string(good)));
    for (const std::string& other :
         {communica::detail::proof(SharedKey(other_secret), "client", "tcp", "hello", some_nonce),
          communica::detail::proof(key, "server", "tcp", "hello", some_nonce),
          communica::detail::proof(key, "client", "local", "hello", some_nonce),
          communica::detail::proof(key, "client", "tcp", "hallo", some_nonce),
          communica::detail::proof(key, "client", "tcp", "hello", std::string(64, 'b')),
          communica::detail::proof(key, "clien", "ttcp", "hello", some_nonce)}) {
        CHECK_FALSE(communica::detail::is_same_proof(good, other));
    }
    CHECK(communica::detail::random_nonce() != communica::detail::random_nonce());
}

TEST_CASE("the document's proofs are right") {
    std::ifstream file(std::string(COMMUNICA_TEST_DATA_DIR) + "/../docs/protocol.md");
    std::vector<json> said;
    bool in_section = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) {
            in_section = line == "## Shared key";
        } else if (in_section && (line.starts_with("    > {") || line.starts_with("    < {"))) {
            said.push_back(json{{"text", line.substr(6)}, {"json", json::parse(line.substr(6))}});
        }
    }
    REQUIRE(said.size() == 3);
    const std::string hello = said[0].at("text");
    const std::string nonce = said[1].at("json").at("communica").at("nonce");
    const auto proof_of = [&](const char* side) {
        return communica::detail::proof(SharedKey(secret), side, "tcp", hello, nonce);
    };
    CHECK(communica::wire::nonce_in(said[0].at("json")).has_value());
    CHECK(said[1].at("text") == communica::wire::write_challenge(nonce, proof_of("server")));
    CHECK(said[2].at("text") == communica::wire::write_proof(proof_of("client")));
}

TEST_CASE("a man in between who has no key gets nowhere by passing a handshake on to another kind of transport") {
    // The client asks the man, over TCP; the man asks the server, over a local socket.
    const test::Meeting meeting(test::Transport::local);
    LoggedServer guarded(with_key(meeting.at_server(), SharedKey(secret)));
    guarded.run([&]() -> asio::awaitable<void> {
        test::ScriptedListener man(guarded.context, test::Transport::tcp);
        communica::RouteClient client(guarded.context, with_key(man.connector(), SharedKey(secret)), Routes(),
                                      test::quick_client("guest"));
        client.start();
        auto to_client = co_await man.accept();
        auto to_server = co_await test::ScriptedPeer::connect(guarded.connector_state());
        const std::string hello = co_await to_client.read_hello();
        co_await to_server.send(hello + '\0');
        const std::string challenge = co_await to_server.read_hello();
        co_await to_client.send(challenge + '\0');
        const std::string came = co_await to_client.read_to_end();
        CHECK(refusal_in(came).at("errc") == "authentication_failed");
        to_client.cut();
        co_await test::until([&] { return client.last_error().code != std::error_code(); });
        CHECK(client.last_error().code == errc::authentication_failed);
        CHECK(guarded.came.empty());
        to_server.cut();
        co_await client.close();
    });
}

TEST_CASE("a man in between with a TLS channel to each side gets nowhere, even where nobody verifies certificates") {
    using Stream = asio::ssl::stream<asio::ip::tcp::socket>;
    test::Process guarding("guarding", {"TLS", secret});
    const auto port = json::parse(guarding.expect("READY")).at("port").get<std::uint16_t>();
    const asio::ip::address_v4 loopback = asio::ip::address_v4::loopback();
    asio::io_context context;
    asio::ip::tcp::acceptor door(context, {loopback, 0});
    asio::ssl::context man(asio::ssl::context::tls);
    test::Certificate({.common_name = "man"}).show_in(man);
    const communica::TlsConnector to_man("127.0.0.1", door.local_endpoint().port(),
                                         asio::ssl::context(asio::ssl::context::tls), {.verify_server = false});
    communica::RouteClient client(context, with_key(to_man, SharedKey(secret)), Routes(), test::quick_client("guest"));

    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        Stream to_client(co_await door.async_accept(asio::use_awaitable), man);
        co_await to_client.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
        Stream to_server(context, man);
        co_await to_server.next_layer().async_connect({loopback, port}, asio::use_awaitable);
        co_await to_server.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);

        std::string hello;
        co_await asio::async_read_until(to_client, asio::dynamic_buffer(hello), '\0', asio::use_awaitable);
        co_await asio::async_write(to_server, asio::buffer(hello), asio::use_awaitable);
        std::string challenge;
        co_await asio::async_read_until(to_server, asio::dynamic_buffer(challenge), '\0', asio::use_awaitable);
        CHECK(communica::wire::proof_in(json::parse(challenge.substr(0, challenge.size() - 1))));
        co_await asio::async_write(to_client, asio::buffer(challenge), asio::use_awaitable);
        std::string came;
        (void)co_await asio::async_read(to_client, asio::dynamic_buffer(came), communica::no_throw);
        CHECK(refusal_in(came).at("errc") == "authentication_failed");
        to_client.next_layer().close();
        co_await test::until([&] { return client.last_error().code == errc::authentication_failed; });
        co_await client.close();
    });
    test::run_out(context);
    guarding.end_input();
    CHECK(guarding.wait() == test::in_order);
}

TEST_CASE("a key is not in a state, and a state does not load without one") {
    const auto connector = with_key(TcpConnector("localhost", 16161), SharedKey(secret));
    CHECK(connector.dump_state() == TcpConnector("localhost", 16161).dump_state());
    CHECK(connector.address() == "localhost:16161");
    using Keyed = KeyedConnector<TcpConnector>;
    CHECK_THROWS_AS(Keyed::load_state(connector.dump_state()), std::system_error);
    CHECK(Keyed::load_state(connector.dump_state(), SharedKey(secret)).address() == "localhost:16161");
    CHECK_THROWS_AS(SharedKey("15 bytes, or so"), std::system_error);
    CHECK_THROWS_AS(SharedKey(std::string(4097, 'k')), std::system_error);
}

}  // namespace shared_key
