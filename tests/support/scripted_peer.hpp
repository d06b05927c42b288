// The other side of a connection, byte by byte: a test says what it sends and what has to come.
#pragma once

#include "frames.hpp"
#include "run.hpp"
#include "streams.hpp"
#include "temporary_directory.hpp"
#include "transports.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <nlohmann/json.hpp>

#include <iomanip>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace test {

/// Bytes for people: printable ones as they are.
inline std::string readable(std::string_view bytes) {
    std::ostringstream out;
    out << std::hex << std::setfill('0');
    for (const char byte : bytes.substr(0, 400)) {
        if (byte >= ' ' && byte <= '~') {
            out << byte;
        } else {
            out << "\\x" << std::setw(2) << static_cast<int>(static_cast<unsigned char>(byte));
        }
    }
    return out.str() + (bytes.size() > 400 ? "..." : "");
}

inline const std::string server_hello = std::string("{\"hello\": \"hello\"}") + '\0';
inline std::string client_hello(const std::string& id) { return "{\"client_id\": \"" + id + "\"}" + '\0'; }

/// A request or answer as it came.
struct SeenMessage {
    std::string metadata;
    std::string body;

    std::string id() const { return nlohmann::json::parse(metadata).at("id").get<std::string>(); }
    int type() const { return nlohmann::json::parse(metadata).at("type").get<int>(); }
    /// The frame of an answer to this request.
    std::string answer(int with_type, std::string_view with_body) const {
        return message_frame("{\"id\": \"" + id() + "\", \"type\": " + std::to_string(with_type) + "}", with_body);
    }
};

class ScriptedPeer {
 public:
    explicit ScriptedPeer(ScriptStream stream) : stream_(std::move(stream)) {}

    /// Connects to where a server listens whose `connector_state` this is.
    static asio::awaitable<ScriptedPeer> connect(std::string state) {
        const auto executor = co_await asio::this_coro::executor;
        const auto json = nlohmann::json::parse(state);
        if (json.at("type") == "TcpConnector") {
            const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(json.at("host").get<std::string>()),
                                                   json.at("port").get<std::uint16_t>());
            ScriptStream stream(executor);
            co_await stream.async_connect(endpoint, asio::use_awaitable);
            stream.set_option(asio::ip::tcp::no_delay(true));
            co_return ScriptedPeer(std::move(stream));
        }
        co_return ScriptedPeer(co_await connect_script(communica::LocalConnector::load_state(state)));
    }

    /// The same, and through the handshake.
    static asio::awaitable<ScriptedPeer> greet(std::string state, std::string id) {
        ScriptedPeer peer = co_await connect(std::move(state));
        co_await peer.send(client_hello(id));
        co_await peer.expect(server_hello);
        co_return peer;
    }

    /// The same as a peer that offers these extensions (a list of JSON texts), and takes messages of up to so many bytes.
    static asio::awaitable<ScriptedPeer> greet_offering(std::string state, std::string id, std::string extensions,
                                                        std::size_t max_message = 1024 * 1024,
                                                        std::string session = "0123456789abcdef") {
        ScriptedPeer peer = co_await connect(std::move(state));
        co_await peer.send("{\"client_id\": \"" + id + "\", \"communica\": {\"session\": \"" + session +
                           "\", \"max_message\": " + std::to_string(max_message) + ", \"extensions\": [" + extensions +
                           "]}}" + '\0');
        const auto hello = nlohmann::json::parse(co_await peer.read_hello());
        if (!hello.contains("communica")) {
            throw std::runtime_error("the server answered an offer with " + hello.dump());
        }
        co_return peer;
    }

    /// A hello, without the zero byte behind it. Not byte by byte: where a read costs a third of a millisecond (Wine), a
    /// client would be gone before its hello is read.
    asio::awaitable<std::string> read_hello() {
        for (char part[512];;) {
            if (const auto end = unread_.find('\0'); end != unread_.npos) {
                const std::string hello = take_unread(end + 1);
                co_return hello.substr(0, end);
            }
            const auto [error, count] = co_await stream_.async_read_some(asio::buffer(part), communica::no_throw);
            unread_.append(part, count);
            throw_if_ended(error, unread_);
        }
    }

    /// A client's hello, which has to be this one's; what else is in it.
    asio::awaitable<nlohmann::json> expect_client_hello(std::string id) {
        const std::string hello = co_await read_hello();
        auto json = nlohmann::json::parse(hello, nullptr, false);
        if (!json.is_object() || json.value("client_id", "") != id) {
            throw std::runtime_error("expected a hello of " + id + ", but there came " + readable(hello));
        }
        co_return json;
    }

    asio::awaitable<void> send(std::string bytes) {
        co_await asio::async_write(stream_, asio::buffer(bytes), asio::use_awaitable);
    }

    /// Each byte by itself; the other side gets to read in between.
    asio::awaitable<void> send_bytewise(std::string bytes) {
        const auto executor = co_await asio::this_coro::executor;
        for (const char& byte : bytes) {
            co_await asio::async_write(stream_, asio::buffer(&byte, 1), asio::use_awaitable);
            for (int turn = 0; turn != 3; ++turn) {
                co_await asio::post(executor, asio::use_awaitable);
            }
        }
    }

    /// The next `count` bytes.
    asio::awaitable<std::string> read(std::size_t count) {
        std::string bytes = take_unread(count);
        const std::size_t had = bytes.size();
        bytes.resize(count);
        const auto [error, came] = co_await asio::async_read(stream_, asio::buffer(bytes) + had, communica::no_throw);
        throw_if_ended(error, std::string_view(bytes).substr(0, had + came));
        co_return bytes;
    }

    /// Exactly these bytes have to come next.
    asio::awaitable<void> expect(std::string bytes) {
        const std::string came = co_await read(bytes.size());
        if (came != bytes) {
            throw std::runtime_error("expected " + readable(bytes) + "\nbut there came " + readable(came));
        }
    }

    /// All that still comes until the other side closes.
    asio::awaitable<std::string> read_to_end() {
        std::string all = take_unread(unread_.size());
        for (char part[4096];;) {
            const auto [error, count] = co_await stream_.async_read_some(asio::buffer(part), communica::no_throw);
            all.append(part, count);
            if (error == asio::error::operation_aborted) {
                throw std::system_error(error);
            }
            if (error) {
                co_return all;
            }
        }
    }

    /// The other side has to close without another byte.
    asio::awaitable<void> expect_end() {
        const std::string rest = co_await read_to_end();
        if (!rest.empty()) {
            throw std::runtime_error("expected the end, but there came " + readable(rest));
        }
    }

    /// The next frame, which has to be a whole message.
    asio::awaitable<SeenMessage> read_message() {
        const std::string head = co_await read(9);
        const auto number = [&](std::size_t at) {
            return static_cast<std::size_t>(communica::wire::load_u32(head.data() + at));
        };
        if (head[4] != '\x0a') {
            throw std::runtime_error("expected a message, but there came " + readable(head));
        }
        const std::string rest = co_await read(number(0) - 5);
        co_return SeenMessage{rest.substr(0, number(5) - 4), rest.substr(number(5) - 4)};
    }

    /// Ends the sending; the other side still may.
    void end() { end_script(stream_); }
    /// Lost without a word.
    void cut() { stream_.close(); }

 private:
    std::string take_unread(std::size_t most) {
        std::string taken = unread_.substr(0, most);
        unread_.erase(0, most);
        return taken;
    }
    static void throw_if_ended(asio::error_code error, std::string_view came) {
        if (error) {
            throw std::runtime_error("the stream ended (" + error.message() + ") after " + readable(came));
        }
    }

    ScriptStream stream_;
    std::string unread_;  // came with a hello
};

/// Where clients find a scripted server.
class ScriptedListener {
 public:
    ScriptedListener(asio::io_context& context, Transport transport) : tcp_(context) {
        if (transport == Transport::tcp) {
            tcp_.open(asio::ip::tcp::v4());
            tcp_.bind({asio::ip::address_v4::loopback(), 0});
            tcp_.listen();
        } else {
            local_.emplace(context, local_connector());
        }
    }

    TestConnector connector() const {
        if (tcp_.is_open()) {
            return communica::TcpConnector("127.0.0.1", tcp_.local_endpoint().port());
        }
        return local_connector();
    }

    asio::awaitable<ScriptedPeer> accept() {
        if (local_) {
            co_return ScriptedPeer(co_await local_->accept());
        }
        asio::ip::tcp::socket socket = co_await tcp_.async_accept(asio::use_awaitable);
        socket.set_option(asio::ip::tcp::no_delay(true));
        co_return ScriptedPeer(ScriptStream(std::move(socket)));
    }

    /// The next client, and through the handshake with it.
    asio::awaitable<ScriptedPeer> greet(std::string id) {
        ScriptedPeer peer = co_await accept();
        co_await peer.expect_client_hello(id);
        co_await peer.send(server_hello);
        co_return peer;
    }

 private:
    communica::LocalConnector local_connector() const {
        return communica::LocalConnector("scripted", {.directory = directory_.path()});
    }

    TemporaryDirectory directory_;
    asio::ip::tcp::acceptor tcp_;
    std::optional<ScriptAcceptor> local_;
};

/// The transports that a script can speak.
inline auto scripted_transports() { return Catch::Generators::values({Transport::tcp, Transport::local}); }

}  // namespace test
