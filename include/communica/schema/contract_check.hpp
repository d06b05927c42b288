// Compares the types of routes with those of each peer at connect (docs/contracts.md, "At connect").
#pragma once

#include "../entities/contract_exchange.hpp"
#include "../plain_text.hpp"
#include "compatibility.hpp"
#include "contract.hpp"
#include "described_table.hpp"
#include "peer_types.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace communica {
namespace schema {

/// The hash of a route's types: FNV-1a (64 bits) of their JSON, as 16 hexadecimal digits. It detects accidental
/// differences. It does not protect from a peer that makes two types with the same hash.
inline std::string contract_hash(std::string_view json) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : json) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    std::string digits(16, '0');
    for (std::size_t at = digits.size(); at != 0; hash >>= 4) {
        digits[--at] = "0123456789abcdef"[hash & 15];
    }
    return digits;
}

/// Returns a peer's text without control characters, and not longer than a line of a log.
inline std::string one_line(std::string_view text) {
    return std::string(base::shortened(base::without_controls(text), 300));
}

/// The contract of an entity, in two parts: the routes that it asks for, and the routes that it serves.
class TypesExchange final : public entities::ContractExchange {
 public:
    /// Types of a route by name, in the form of a contract.
    using Routes = std::map<std::string, nlohmann::json>;

    static constexpr std::size_t max_hashes = 24 * 1024;  ///< bytes of all hashes, which a hello has to hold
    static constexpr std::size_t max_types = 32 * 1024;   ///< bytes of all types in one message
    static constexpr std::size_t max_sentences = 8;       ///< differences that are reported at one connect
    static constexpr std::size_t max_effort = 1'000'000;  ///< steps of the comparisons at one connect
    static constexpr std::size_t max_depth = 64;          ///< of the compared types

    /// Throws `errc::invalid_argument` if there are too many routes for a hello.
    TypesExchange(const Routes& asked, const Routes& served, bool refuses)
        : parts_{Part{"asks", "serves", hashed(asked)}, Part{"serves", "asks", hashed(served)}}, refuses_(refuses) {
        nlohmann::json all;
        for (const Part& part : parts_) {
            nlohmann::json& hashes = all[part.own] = nlohmann::json::object();
            for (const auto& [name, route] : part.routes) {
                hashes[name] = route.hash;
            }
        }
        hashes_ = all.dump(-1, ' ', true);
        if (hashes_.size() > max_hashes) {
            throw std::system_error(errc::invalid_argument,
                                    "a contract of too many routes: their names and hashes have " +
                                        std::to_string(hashes_.size()) + " bytes, and a hello has room for " +
                                        std::to_string(max_hashes));
        }
    }

    bool refuses() const noexcept override { return refuses_; }
    std::string hashes() const override { return hashes_; }
    bool is_in(const nlohmann::json& message) const override { return contract_in(message) != nullptr; }

    std::string types_for(const nlohmann::json& message) const override {
        nlohmann::json types;
        std::size_t size = 0;
        for_each_difference(message, [&](const Part& part, const std::string& name, const HashedRoute& route) {
            const bool fits = size + route.size <= max_types;
            types[part.own][name] = fits ? route.types : nlohmann::json();
            size += fits ? route.size : 0;
        });
        return types.is_null() ? "" : R"({"communica": {"contract": )" + types.dump(-1, ' ', true) + "}}";
    }

    entities::ContractDifferences compare(const nlohmann::json& message, const nlohmann::json& types) const override {
        entities::ContractDifferences found;
        Effort effort(max_effort, max_depth);
        std::size_t more = 0;
        for_each_difference(message, [&](const Part& part, const std::string& name, const HashedRoute& route) {
            const nlohmann::json* const theirs = route_in(types, part.other, name);
            const bool is_asked = &part == parts_;
            for (const auto& [sentence, breaks] : differences(name, route.types, theirs, is_asked, effort)) {
                auto& list = breaks ? found.breaking : found.safe;
                list.size() < max_sentences ? list.push_back(one_line(sentence)) : void(more += breaks ? 1 : 0);
            }
        });
        if (more != 0) {
            found.breaking.push_back(std::to_string(more) + " more differences");
        }
        return found;
    }

 private:
    struct HashedRoute {
        nlohmann::json types;
        std::string hash;
        std::size_t size;  // of the types in a message
    };
    struct Part {
        const char* own;    // its key in this side's messages
        const char* other;  // the key of the same routes in the peer's messages
        std::map<std::string, HashedRoute> routes;
    };

    static std::map<std::string, HashedRoute> hashed(const Routes& routes) {
        std::map<std::string, HashedRoute> all;
        for (const auto& [name, types] : routes) {
            all.emplace(name, HashedRoute{types, contract_hash(types.dump()), types.dump(-1, ' ', true).size()});
        }
        return all;
    }

    /// Null if the message has no contract.
    static const nlohmann::json* contract_in(const nlohmann::json& message) {
        const nlohmann::json* at = &message;
        for (const char* key : {"communica", "contract"}) {
            at = member(at, key);
        }
        return at != nullptr && at->is_object() ? at : nullptr;
    }
    static const nlohmann::json* route_in(const nlohmann::json& message, const char* part, const std::string& name) {
        return member(member(contract_in(message), part), name);
    }
    static const nlohmann::json* member(const nlohmann::json* object, const std::string& key) {
        if (object == nullptr || !object->is_object()) {
            return nullptr;
        }
        const auto found = object->find(key);
        return found != object->end() ? &*found : nullptr;
    }

    /// Calls `function` for each route that both sides have with different hashes, or with types in place of a hash.
    template <class F>
    void for_each_difference(const nlohmann::json& message, F function) const {
        for (const Part& part : parts_) {
            for (const auto& [name, route] : part.routes) {
                const nlohmann::json* const theirs = route_in(message, part.other, name);
                if (theirs != nullptr && *theirs != route.hash) {
                    function(part, name, route);
                }
            }
        }
    }

    /// Returns the differences as sentences, and whether they break the asking side.
    static std::vector<std::pair<std::string, bool>> differences(const std::string& name, const nlohmann::json& own,
                                                                 const nlohmann::json* theirs, bool is_asked,
                                                                 Effort& effort) {
        std::vector<std::pair<std::string, bool>> all;
        if (theirs == nullptr || theirs->is_null()) {
            all.emplace_back(name + ": the types differ, and are not known", true);
            return all;
        }
        try {
            PeerTypes::check(*theirs, effort);
            const nlohmann::json ours = contract_with(name, own);
            const nlohmann::json others = contract_with(name, *theirs);
            for (auto& change : Comparison(is_asked ? ours : others, is_asked ? others : ours, effort).changes()) {
                if (change.breaks_old_clients || !change.breaks_new_clients) {
                    all.emplace_back(std::move(change.sentence), change.breaks_old_clients);
                }
            }
            if (all.empty()) {  // for example, only requests of a later contract would break
                all.emplace_back(name + ": the types differ: safe", false);
            }
        } catch (const std::exception& e) {
            all.emplace_back(name + ": the types differ, and can't be compared: " + e.what(), true);
        }
        return all;
    }
    static nlohmann::json contract_with(const std::string& name, const nlohmann::json& types) {
        nlohmann::json contract;
        contract["communica_contract"] = 1;
        contract["routes"][name] = types;
        return contract;
    }

    const Part parts_[2];
    const bool refuses_;
    std::string hashes_;
};

}  // namespace schema

/// Compares the types of routes with each peer's at connect, if the peer does that too. A difference that breaks
/// requests is logged as a warning, in the words of `communica contract check`, or refuses the connection. Other
/// differences are logged as information. The hashes are sent in the hello, the types only if hashes differ.
///
///     communica::ClientOptions options;
///     options.contract = communica::ContractCheck().asks(calculator::divide);
///
/// A route that one side does not name is not compared. The types of a differing route are sent to every peer that is
/// accepted, whatever `introspection` says.
class ContractCheck {
 public:
    /// Adds routes that this side sends requests to.
    template <class... Routes>
    ContractCheck& asks(const Routes&... routes) {
        (ask(routes), ...);
        return *this;
    }

    /// Adds the routes of a `DescribedTable`, which this side answers. Those without types are left out.
    template <Serializer S>
    ContractCheck& serves(const RouteTable<S>& table) {
        const nlohmann::json all = nlohmann::json::parse(contract(table));
        for (const auto& [name, types] : all.at("routes").items()) {
            if (types.contains("serializer")) {
                nlohmann::json& compared = served_[name] = types;
                schema::leave_out("title", compared);
            }
        }
        return *this;
    }

    /// Refuses peers with a difference that breaks requests: both sides get `errc::incompatible_contract`, and a client
    /// stops, because a retry would fail again.
    ContractCheck& refuse_differences() {
        refuses_ = true;
        return *this;
    }

    /// For `ClientOptions::contract` and `ServerOptions::contract`. Throws `errc::invalid_argument` if the names of the
    /// routes are too long for a hello: 24 KiB with 16 digits each.
    operator std::shared_ptr<const entities::ContractExchange>() const {  // NOLINT(*-explicit-*): options take it
        return std::make_shared<const schema::TypesExchange>(asked_, served_, refuses_);
    }

 private:
    template <class R, class... A, class Own>
    void ask(const Route<R(A...), Own>& route) {
        nlohmann::json types = nlohmann::json::parse(schema::types_of(route)({}));
        types["route"] = route.name();
        const nlohmann::json all = contract_of(nlohmann::json::array({std::move(types)}));
        asked_[std::string(route.name())] = all.at("routes").front();
    }

    schema::TypesExchange::Routes asked_;
    schema::TypesExchange::Routes served_;
    bool refuses_ = false;
};

}  // namespace communica
