// Messages of two sides with a shared key before the server's hello (docs/protocol.md, "Shared key"). No cryptography.
#pragma once

#include "../owned_json.hpp"
#include "challenge.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace communica::wire {

/// The hello of a client that has a key.
inline std::string with_nonce(std::string_view hello, const std::string& nonce) {
    auto json = nlohmann::ordered_json::parse(hello);
    json["communica"]["nonce"] = nonce;
    return json.dump(-1, ' ', true);
}
/// The same hello without the nonce.
inline std::string without_nonce(const nlohmann::json& hello) {
    OwnedJson copy(hello);
    (*copy).at("communica").erase("nonce");
    return copy->dump(-1, ' ', true);
}

/// The server's response to such a hello, and the client's response to that.
inline std::string write_challenge(const std::string& nonce, const std::string& proof) {
    return R"({"communica": {"nonce": ")" + nonce + R"(", "proof": ")" + proof + "\"}}";
}
inline std::string write_proof(const std::string& proof) { return R"({"communica": {"proof": ")" + proof + "\"}}"; }

}  // namespace communica::wire
