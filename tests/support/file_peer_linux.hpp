// A client of a local socket, byte by byte, that sends descriptors.
#pragma once

#include "descriptors_linux.hpp"
#include "scripted_peer.hpp"

#include <communica/connectors/detail/passed_descriptors_unix.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace test {

inline std::string request(std::string_view route, std::string_view body) {
    return message_frame("{\"id\": \"1\", \"type\": 1, \"route\": \"" + std::string(route) + "\"}", body);
}

/// A client byte by byte, and its socket to send descriptors over.
struct FilePeer {
    ScriptedPeer script;
    int socket;

    static asio::awaitable<FilePeer> greet(std::string state, std::string limit = "253", std::string id = "x") {
        ScriptStream stream = co_await connect_script(communica::LocalConnector::load_state(state));
        const int socket = stream.native_handle();
        FilePeer peer{ScriptedPeer(std::move(stream)), socket};
        const std::string hello = "{\"client_id\": \"" + id +
                                  "\", \"communica\": {\"session\": \"0123456789abcdef\", "
                                  "\"max_message\": 104857600, \"max_descriptors\": " +
                                  limit + ", \"extensions\": []}}" + '\0';
        co_await peer.script.send(hello);
        const auto answer = nlohmann::json::parse(co_await peer.script.read_hello());
        CHECK(answer.at("communica").value("max_descriptors", 0) != 1);
        co_return peer;
    }

    void send_with(std::string_view bytes, const std::vector<std::string>& texts) const {
        communica::base::DescriptorList list;
        for (const std::string& text : texts) {
            list.add(memory_file(text));
        }
        const auto sent = communica::detail::send_descriptors(socket, asio::buffer(bytes.data(), bytes.size()), list);
        REQUIRE(sent == static_cast<::ssize_t>(bytes.size()));
    }

    asio::awaitable<void> be_permitted() {
        co_await script.send(ask);
        co_await script.expect(permission);
    }

    asio::awaitable<void> expect_answer(int type, std::string body_part) {
        const auto answer = co_await script.read_message();
        CHECK(answer.type() == type);
        CAPTURE(answer.body);
        CHECK(answer.body.find(body_part) != answer.body.npos);
    }

    /// The connection works on.
    asio::awaitable<void> expect_alive() {
        const std::string bytes = request("ignore", "1");
        co_await script.send(bytes);
        co_await expect_answer(11, "0");
    }
};

}  // namespace test
