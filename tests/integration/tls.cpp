// What TLS refuses, and in which words; what it shows of the other side; how it ends.
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/check_awaited.hpp"
#include "support/frame_decoder.hpp"
#include "support/logged_server.hpp"
#include "support/pair.hpp"
#include "support/run.hpp"
#include "support/scripted_peer.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/tls.hpp>

#include <asio/ssl.hpp>

namespace tls {

using communica::errc;
using communica::Error;
using communica::TcpConnector;
using communica::TlsConnector;
using communica::TlsOptions;
using test::Certificate;
using test::CertificateOptions;
using Contexts = std::shared_ptr<asio::ssl::context>;
using Routes = communica::RouteTable<>;
using namespace std::chrono_literals;

namespace {

Contexts new_context() { return std::make_shared<asio::ssl::context>(asio::ssl::context::tls); }

/// Everybody's certificates.
struct Town {
    Certificate authority{{.common_name = "authority"}};
    Certificate stranger{{.common_name = "another authority"}};

    Contexts showing(const CertificateOptions& options, const Certificate* issuer) const {
        auto made = new_context();
        Certificate(options, issuer).show_in(*made);
        return made;
    }
    Contexts server() const { return showing({.common_name = "server"}, &authority); }
    /// Wants certificates of its clients.
    Contexts strict_server() const {
        auto context = server();
        authority.trust_in(*context);
        context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        return context;
    }
    /// A client with a certificate.
    Contexts client_showing(const CertificateOptions& options, const Certificate& issuer) const {
        auto made = client();
        Certificate(options, &issuer).show_in(*made);
        return made;
    }
    Contexts client() const {
        auto made = new_context();
        authority.trust_in(*made);
        return made;
    }
};

Routes routes() {
    Routes table;
    table.add("subject", [](communica::Context& context) { return context.credentials().subject.value_or("nobody"); });
    return table;
}

/// A server, and how clients of all kinds fare with it.
template <class Connector>
struct Served : test::LoggedServer<Connector> {
    explicit Served(Connector connector, communica::ServerOptions options = {})
        : test::LoggedServer<Connector>(std::move(connector), routes(), std::move(options)) {}

    TlsConnector tls(Contexts client, TlsOptions options = {}) const {
        return TlsConnector::load_state(with_tls(true), std::move(client), std::move(options));
    }
    TcpConnector plain() const { return TcpConnector::load_state(with_tls(false)); }

    /// Why a client with this context does not get in.
    asio::awaitable<std::string> tls_refusal(Contexts client, TlsOptions options,
                                             errc code = errc::authentication_failed) {
        return refusal(tls(std::move(client), std::move(options)), code);
    }
    asio::awaitable<std::string> tls_refusal(Contexts client, errc code = errc::authentication_failed) {
        return tls_refusal(std::move(client), {}, code);
    }
    asio::awaitable<std::string> plain_refusal() { return refusal(plain()); }

    template <class C>
    asio::awaitable<std::string> refusal(C connector, errc code = errc::handshake_failed) {
        communica::ClientOptions options;
        options.backoff = communica::BackoffOptions{.first = 1h};
        communica::RouteClient client(this->context, std::move(connector), Routes(), std::move(options));
        client.start();
        co_await test::until([&] { return client.last_error().code != std::error_code(); });
        const Error error = client.last_error();
        CHECK(error.code == code);
        co_await client.close();
        co_return error.text();
    }

 private:
    std::string with_tls(bool tls) const {
        auto state = nlohmann::json::parse(this->connector_state());
        state["ssl"] = tls;
        return state.dump();
    }
};

/// A client of TLS alone.
struct RawTls {
    RawTls(asio::io_context& io, asio::ssl::context& context) : stream(io, context) {}

    asio::awaitable<void> connect(std::string state) {
        const auto port = nlohmann::json::parse(state).at("port").get<std::uint16_t>();
        co_await stream.next_layer().async_connect({asio::ip::make_address("127.0.0.1"), port}, asio::use_awaitable);
    }
    asio::awaitable<void> greet(std::string state, std::string id) {
        co_await connect(std::move(state));
        co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
        const std::string hello = test::client_hello(id);
        co_await asio::async_write(stream, asio::buffer(hello), asio::use_awaitable);
        std::string answer(test::server_hello.size(), ' ');
        co_await asio::async_read(stream, asio::buffer(answer), asio::use_awaitable);
        CHECK(answer == test::server_hello);
    }

    asio::ssl::stream<asio::ip::tcp::socket> stream;
};

bool contains(const std::string& text, const std::string& part) {
    CAPTURE(text, part);
    const bool found = text.find(part) != text.npos;
    CHECK(found);
    return found;
}

}  // namespace

TEST_CASE("a handler sees the subject of a verified certificate") {
    const Town town;
    Served served(TlsConnector("localhost", 0, town.strict_server()));
    const auto context = town.client_showing({.common_name = "w\xc3\xb6rker, the first"}, town.authority);
    served.run([&]() -> asio::awaitable<void> {
        communica::RouteClient client(served.context, served.tls(context));
        co_await client.connect();
        CHECK_AWAITED("CN=w\\C3\\B6rker\\, the first,O=communica", client.request<std::string>("subject", nullptr));
        co_await client.close();
    });
}

TEST_CASE("a server that asks for no certificates knows nobody's subject") {
    const Town town;
    Served served(TlsConnector("localhost", 0, town.server()));
    served.run([&]() -> asio::awaitable<void> {
        communica::RouteClient client(served.context, served.tls(town.client()));
        co_await client.connect();
        CHECK_AWAITED("nobody", client.request<std::string>("subject", nullptr));
        co_await client.close();
    });
}

TEST_CASE("a client refuses a server that can't prove who it is, and both say why") {
    const Town town;
    const CertificateOptions good{.common_name = "server"};
    // It would be refused again: the client stops.
    const auto refused = [](Contexts at_server, Contexts at_client, TlsOptions options, std::string why) {
        Served served(TlsConnector("127.0.0.1", 0, std::move(at_server)));
        served.run([&]() -> asio::awaitable<void> {
            contains(co_await served.tls_refusal(at_client, options),
                     "TLS: the other side's certificate is refused: " + why);
            co_await served.logged("a handshake failed: ");
            contains(served.log, "alert");
        });
    };

    SECTION("another host's certificate") {
        auto elsewhere = good;
        elsewhere.alternative_names = "DNS:elsewhere.example, IP:127.0.0.2";
        refused(town.showing(elsewhere, &town.authority), town.client(), {}, "IP address mismatch");
        refused(town.showing(elsewhere, &town.authority), town.client(), {.server_name = "localhost"},
                "hostname mismatch");
    }
    SECTION("an expired certificate") {
        auto expired = good;
        expired.valid_from = -2h;
        expired.valid_until = -1h;
        refused(town.showing(expired, &town.authority), town.client(), {}, "certificate has expired");
    }
    SECTION("a certificate of the time to come") {
        auto early = good;
        early.valid_from = 1h;
        early.valid_until = 2h;
        refused(town.showing(early, &town.authority), town.client(), {}, "certificate is not yet valid");
    }
    SECTION("an unknown authority") {
        refused(town.showing(good, &town.stranger), town.client(), {}, "unable to get local issuer certificate");
    }
    SECTION("a certificate that vouches for itself") {
        refused(town.showing(good, nullptr), town.client(), {}, "self-signed certificate");
    }
}

TEST_CASE("a client may be told not to verify, and to expect another name") {
    const Town town;
    auto elsewhere = CertificateOptions{.common_name = "server", .alternative_names = "DNS:elsewhere.example"};
    Served served(TlsConnector("127.0.0.1", 0, town.showing(elsewhere, &town.authority)));
    const auto demanding = new_context();
    demanding->set_verify_mode(asio::ssl::verify_peer);  // the option is stronger
    served.run([&]() -> asio::awaitable<void> {
        const TlsOptions options =
            GENERATE_COPY(values<TlsOptions>({{.server_name = "elsewhere.example"}, {.verify_server = false}}));
        const Contexts client = options.verify_server ? town.client() : demanding;
        communica::RouteClient asking(served.context, served.tls(client, options));
        co_await asking.connect();
        CHECK_AWAITED(nlohmann::json(7), asking.request<nlohmann::json>("echo", 7));
        co_await asking.close();
    });
}

TEST_CASE("no name is not any name: a client that connects to none has to say whom it expects") {
    const Town town;
    Served served(TlsConnector("127.0.0.1", 0, town.server()));
    served.run([&]() -> asio::awaitable<void> {
        const auto port = nlohmann::json::parse(served.connector_state()).at("port").get<std::uint16_t>();
        const TlsConnector nameless("", port, town.client());  // which the resolver takes for this machine
        communica::RouteClient client(served.context, nameless);
        client.start();
        co_await test::until([&] { return client.last_error().code != std::error_code(); });
        CHECK(client.last_error().code == errc::invalid_argument);
        co_await client.close();
    });
}

TEST_CASE("a server that wants certificates refuses clients without, or with those of others") {
    const Town town;
    Served served(TlsConnector("localhost", 0, town.strict_server()));
    const auto nobody = town.client();
    const auto strange = town.client_showing({.common_name = "somebody"}, town.stranger);
    const auto expired =
        town.client_showing({.common_name = "somebody", .valid_from = -2h, .valid_until = -1h}, town.authority);
    served.run([&]() -> asio::awaitable<void> {
        contains(co_await served.tls_refusal(nobody), "certificate required");
        co_await served.logged("a handshake failed: TLS: peer did not return a certificate");
        contains(co_await served.tls_refusal(strange), "unknown ca");
        co_await served.logged("the other side's certificate is refused: unable to get local issuer certificate");
        contains(co_await served.tls_refusal(expired), "certificate expired");
        co_await served.logged("the other side's certificate is refused: certificate has expired");
    });
}

TEST_CASE("a client id is its certificate's: another subject does not get it, the same one takes it over") {
    const Town town;
    Served served(TlsConnector("localhost", 0, town.strict_server()));
    const auto ann = town.client_showing({.common_name = "ann"}, town.authority);
    const auto ann_again = town.client_showing({.common_name = "ann"}, town.authority);
    const auto bob = town.client_showing({.common_name = "bob"}, town.authority);
    served.run([&]() -> asio::awaitable<void> {
        communica::RouteClient first(served.context, served.tls(ann), Routes(), test::quick_client("ann"));
        co_await first.connect();
        communica::RouteClient thief(served.context, served.tls(bob), Routes(), test::quick_client("ann"));
        thief.start();
        co_await test::until([&] { return thief.last_error().code == errc::handshake_failed; });
        contains(thief.last_error().text(), "this client id belongs to another user");
        co_await thief.close();
        CHECK_AWAITED("CN=ann,O=communica", first.request<std::string>("subject", nullptr));
        communica::RouteClient second(served.context, served.tls(ann_again), Routes(), test::quick_client("ann"));
        co_await second.connect();
        co_await test::until([&] { return first.last_error().code == errc::replaced; });
        CHECK_AWAITED("CN=ann,O=communica", second.request<std::string>("subject", nullptr));
        co_await second.close();
        co_await first.close();
    });
}

TEST_CASE("plain text to a TLS port, and TLS to a plain port, are told as what they are") {
    const Town town;
    SECTION("plain text to TLS") {
        Served served(TlsConnector("localhost", 0, town.server()));
        served.run([&]() -> asio::awaitable<void> {
            contains(co_await served.plain_refusal(), "refused: this server speaks TLS");
            co_await served.logged("a handshake failed: TLS: the other side does not speak TLS");
        });
    }
    SECTION("TLS to plain text") {
        Served served(TcpConnector("localhost", 0));
        served.run([&]() -> asio::awaitable<void> {
            contains(co_await served.tls_refusal(town.client(), errc::handshake_failed),
                     "TLS: the other side does not speak TLS");
            co_await served.logged("a client was refused: the other side speaks TLS, and this one does not");
        });
    }
}

TEST_CASE("no TLS before 1.2 is spoken, whatever the contexts allow") {
    const Town town;
    const auto old = [](const Contexts& context) {
        SSL_CTX_set_security_level(context->native_handle(), 0);  // or OpenSSL would refuse it by itself
        SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_1_VERSION);
        return context;
    };
    SECTION("an old client") {
        auto server = town.server();
        SSL_CTX_set_security_level(server->native_handle(), 0);
        SSL_CTX_set_min_proto_version(server->native_handle(), TLS1_VERSION);
        Served served(TlsConnector("127.0.0.1", 0, server));
        served.run([&]() -> asio::awaitable<void> {
            const auto context = old(town.client());
            RawTls raw(served.context, *context);
            co_await raw.connect(served.connector_state());
            const auto [error] =
                co_await raw.stream.async_handshake(asio::ssl::stream_base::client, communica::no_throw);
            contains(error.message(), "alert protocol version");
            co_await served.logged("a handshake failed: TLS: unsupported protocol");
        });
    }
    SECTION("an old server") {
        // One of ours refuses to be one: it has no version left to speak.
        Served served(TlsConnector("127.0.0.1", 0, old(town.server())));
        served.run([&]() -> asio::awaitable<void> {
            contains(co_await served.tls_refusal(town.client(), errc::handshake_failed), "TLS: ");
            co_await served.logged("a handshake failed: TLS: ");
        });
    }
}

TEST_CASE("requests that come in many small records are answered in few") {
    const Town town;
    Served served(TlsConnector("127.0.0.1", 0, town.server()));
    const auto context = town.client();
    served.run([&]() -> asio::awaitable<void> {
        RawTls raw(served.context, *context);
        co_await raw.greet(served.connector_state(), "raw");
        constexpr int count = 60;
        for (int number = 0; number != count; ++number) {  // all are out before the server, in this thread, reads one
            const std::string request =
                test::message_frame(R"({"id": ")" + std::to_string(number) + R"(", "type": 1, "route": "echo"})", "7");
            asio::write(raw.stream, asio::buffer(request));
        }
        std::string came;
        int records = 0;
        for (; test::decode_frames(came).frames.size() != count; ++records) {
            std::array<char, 16 * 1024> record{};  // more than one is never given at a time
            const auto [error, size] = co_await raw.stream.async_read_some(asio::buffer(record), communica::no_throw);
            REQUIRE_FALSE(error);
            came.append(record.data(), size);
        }
        CHECK(records <= 4);
        raw.stream.next_layer().close();
    });
}

TEST_CASE("a connection that is closed ends with TLS's close_notify, from either side") {
    const Town town;
    Served served(TlsConnector("127.0.0.1", 0, town.server()));
    const auto context = town.client();
    served.run([&]() -> asio::awaitable<void> {
        RawTls raw(served.context, *context);
        co_await raw.greet(served.connector_state(), "raw");
        const bool we_close_first = GENERATE(false, true);
        CAPTURE(we_close_first);
        const std::string goodbye{"\0\0\0\x01\x14", 5};
        if (we_close_first) {
            served.stop();
        } else {
            co_await asio::async_write(raw.stream, asio::buffer(goodbye), asio::use_awaitable);
        }
        std::string came;
        const auto [error, count] =
            co_await asio::async_read(raw.stream, asio::dynamic_buffer(came), communica::no_throw);
        CHECK(error == asio::error::eof);  // not "stream truncated"
        CHECK(came == (we_close_first ? goodbye : ""));
        co_await raw.stream.async_shutdown(communica::no_throw);
    });
}

TEST_CASE("a stream that breaks off is told from one that ends") {
    const Town town;
    communica::ServerOptions options;
    std::optional<Error> gone;
    options.on_disconnect = [&](const std::string&, const Error& why) { gone = why; };
    Served served(TlsConnector("127.0.0.1", 0, town.server()), options);
    const auto context = town.client();
    served.run([&]() -> asio::awaitable<void> {
        RawTls raw(served.context, *context);
        co_await raw.greet(served.connector_state(), "raw");
        const bool in_order = GENERATE(false, true);
        CAPTURE(in_order);
        if (in_order) {
            co_await raw.stream.async_shutdown(communica::no_throw);
        } else {
            raw.stream.next_layer().close();
        }
        co_await test::until([&] { return gone.has_value(); });
        CHECK(gone->code == errc::connection_lost);
        CHECK(gone->message == (in_order ? "End of file" : "stream truncated"));
    });
}

TEST_CASE("who stalls in the TLS handshake is cut off, counts as half open, and holds nobody up") {
    const Town town;
    communica::ServerOptions options;
    options.handshake_timeout = 300ms;
    options.max_handshakes = 3;
    Served served(TlsConnector("127.0.0.1", 0, town.server()), options);
    served.run([&]() -> asio::awaitable<void> {
        const auto state = served.connector_state();
        std::vector<test::ScriptedPeer> stalled;
        for (int number = 0; number != 4; ++number) {
            stalled.push_back(co_await test::ScriptedPeer::connect(state));
            co_await stalled.back().send("\x16\x03\x01");  // the begin of a ClientHello
        }
        co_await served.logged("too many connections have not said hello: the oldest goes");
        communica::RouteClient client(served.context, served.tls(town.client()));
        co_await client.connect();
        CHECK_AWAITED(nlohmann::json(7), client.request<nlohmann::json>("echo", 7));
        for (auto& peer : stalled) {
            co_await peer.expect_end();
        }
        co_await client.close();
    });
}

}  // namespace tls
