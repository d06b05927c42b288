// The hello messages of both sides.
#pragma once

#include "../connection.hpp"
#include "capabilities.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace communica::peer {

/// The longest client id, in bytes.
inline constexpr std::size_t max_client_id = 1024;

/// `contract` is a JSON object with the hashes of routes, or empty.
inline std::string client_hello(std::string_view client_id, const Capabilities& offer, std::string_view contract = {}) {
    std::string offered = write_offer(offer);
    if (!contract.empty()) {
        offered.pop_back();
        offered.append(", \"contract\": ").append(contract) += '}';
    }
    return "{\"client_id\": " + nlohmann::json(client_id).dump(-1, ' ', true) + ", \"communica\": " + offered + "}";
}

/// Answers a client's offer with the server's own, and a client without an offer as the Python library does.
inline std::string server_hello(const Capabilities& of_client, const Capabilities& offer) {
    return of_client.session.empty() ? "{\"hello\": \"hello\"}"
                                     : "{\"hello\": \"hello\", \"communica\": " + write_offer(offer) + "}";
}

/// Reads the client id from a client's hello: a string, or the text of another scalar. Throws `errc::handshake_failed`.
inline std::string client_id_in(const nlohmann::json& hello) {
    const auto id = hello.is_object() ? hello.find("client_id") : hello.end();
    if (!hello.is_object() || id == hello.end() || id->is_structured()) {
        throw std::system_error(errc::handshake_failed, "a client's hello needs a client_id, a string");
    }
    auto text = id->is_string() ? id->get<std::string>() : id->dump();
    if (text.empty() || text.size() > max_client_id) {
        throw std::system_error(errc::handshake_failed, text.empty() ? "an empty client_id" : "a client_id over 1 KiB");
    }
    return text;
}

/// Returns a client id for a client that named none: 32 random hexadecimal digits.
inline std::string random_client_id() {
    std::random_device random;
    std::string id;
    for (int word = 0; word != 4; ++word) {
        for (auto [value, digit] = std::pair{random(), 0}; digit != 8; ++digit, value >>= 4) {
            id += "0123456789abcdef"[value & 15];
        }
    }
    return id;
}

/// Aborts the connection at the given time, unless destroyed before.
class HandshakeDeadline {
 public:
    HandshakeDeadline(const std::shared_ptr<Connection>& connection, std::chrono::steady_clock::time_point time)
        : timer_(connection->get_executor(), time) {
        timer_.async_wait(base::WaitTask([connection](asio::error_code error) {
            if (!error) {
                connection->abort();
            }
        }));
    }

 private:
    asio::steady_timer timer_;
};

}  // namespace communica::peer
