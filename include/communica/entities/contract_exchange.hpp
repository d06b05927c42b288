// Comparing the types of routes with a peer's during the handshake (docs/protocol.md, "Contracts").
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace communica::entities {

/// The differences between the types of two sides, as sentences of bounded length and number.
struct ContractDifferences {
    std::vector<std::string> breaking;  ///< values that one side sends and the other refuses
    std::vector<std::string> safe;
};

/// Compares the types of an entity's routes with a peer's. `ContractCheck` makes it. Thread-safe.
class ContractExchange {
 public:
    ContractExchange() = default;
    ContractExchange(const ContractExchange&) = delete;
    ContractExchange& operator=(const ContractExchange&) = delete;
    virtual ~ContractExchange() = default;

    /// Returns true if a breaking difference ends the connection.
    virtual bool refuses() const noexcept = 0;
    /// Returns the hashes of all routes, the JSON object in a client's hello.
    virtual std::string hashes() const = 0;
    /// Returns a message with this side's types of the routes that differ in the peer's message, or an empty text if
    /// none differs.
    virtual std::string types_for(const nlohmann::json& message) const = 0;
    /// Compares the routes that differ in `message` with the types in `types`, another message of the peer or the same.
    virtual ContractDifferences compare(const nlohmann::json& message, const nlohmann::json& types) const = 0;
    /// Returns true if the message has hashes or types.
    virtual bool is_in(const nlohmann::json& message) const = 0;
};

}  // namespace communica::entities
