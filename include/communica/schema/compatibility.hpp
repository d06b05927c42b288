// Compares two versions of a contract and reports breaking changes (docs/contracts.md).
#pragma once

#include "inclusion.hpp"
#include "peer_types.hpp"

#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// A difference between two contracts. It is safe if it breaks neither old nor new clients.
struct ContractChange {
    std::string sentence;             ///< the difference in words, without a full stop
    bool breaks_old_clients = false;  ///< clients of the old contract with servers of the new one
    bool breaks_new_clients = false;  ///< clients of the new contract with servers of the old one
};

namespace schema {

/// Compares two contracts, route by route.
class Comparison {
 public:
    Comparison(const nlohmann::json& before, const nlohmann::json& after, Effort& effort)
        : before_(routes_of(before)), after_(routes_of(after)), effort_(effort) {}

    std::vector<ContractChange> changes() {
        check_types(before_);
        check_types(after_);
        for (const auto& [name, route] : before_.items()) {
            if (after_.contains(name)) {
                compare(name, route, after_.at(name));
            } else {
                add(name + ": is gone: old clients that ask for it are refused", true, false);
            }
        }
        for (const auto& [name, route] : after_.items()) {
            if (!before_.contains(name)) {
                add(name + ": a new route: new clients that ask for it are refused by old servers", false, true);
            }
        }
        return std::move(changes_);
    }

 private:
    using Json = nlohmann::json;

    static const Json& routes_of(const Json& contract) {
        if (!contract.is_object() || contract.value("communica_contract", 0) != 1 || !contract.contains("routes") ||
            !contract.at("routes").is_object()) {
            throw std::invalid_argument("this is no contract: it has no \"communica_contract\": 1 and no routes");
        }
        return contract.at("routes");
    }

    /// A file may have come from a server. Throws `std::invalid_argument`.
    void check_types(const Json& routes) {
        for (const auto& [name, route] : routes.items()) {
            try {
                PeerTypes::check_types(route, effort_, {.words = 100'000, .nesting = 500});
            } catch (const std::invalid_argument& e) {
                throw std::invalid_argument(name + ": " + e.what());
            }
        }
    }

    void add(std::string sentence, bool old_clients, bool new_clients) {
        changes_.push_back({std::move(sentence), old_clients, new_clients});
    }

    void compare(const std::string& route, const Json& before, const Json& after) {
        const bool was_stream = before.at("kind") == "stream";
        if (was_stream != (after.at("kind") == "stream")) {
            return add(route + ": " + (was_stream ? "is no stream any more" : "is a stream now") +
                           ": clients and servers of different versions refuse each other",
                       true, true);
        }
        if (before.value("serializer", "") != after.value("serializer", "")) {
            return add(route + ": " + before.value("serializer", "?") + " -> " + after.value("serializer", "?") +
                           ": clients and servers of different versions do not read each other",
                       true, true);
        }
        for (const std::string_view part : {"argument", "upload", "result", "items"}) {
            compare_part(route, std::string(part), before, after);
        }
    }

    void compare_part(const std::string& route, const std::string& part, const Json& before, const Json& after) {
        if (before.contains(part) != after.contains(part)) {
            return add(route + ": " + part + (before.contains(part) ? " is gone" : " is new") +
                           ": clients and servers of different versions refuse each other",
                       true, true);
        }
        if (!before.contains(part) || before.at(part) == after.at(part)) {
            return;
        }
        const bool clients_write = part == "argument" || part == "upload";
        const Json& was = before.at(part);
        const Json& is = after.at(part);
        // Either version may write the value for the other to read.
        const bool has_bytes = before.value("serializer", "json") != "json";
        const auto forth = Inclusion::misfits(was, is, has_bytes, effort_);
        const auto back = Inclusion::misfits(is, was, has_bytes, effort_);
        const auto& of_old = clients_write ? forth : back;
        const auto& of_new = clients_write ? back : forth;
        std::set<std::string> told;
        const std::string head = route + ": " + part;
        for (const Misfit& misfit : of_old) {
            told.insert(misfit.path);
            add(sentence(head, misfit, clients_write) + (clients_write
                                                             ? "old clients that send " + misfit.sample + " are refused"
                                                             : "old clients do not read " + misfit.sample),
                true, false);
        }
        for (const Misfit& misfit : of_new) {
            told.insert(misfit.path);
            add(sentence(head, misfit, !clients_write) +
                    (clients_write ? "new clients that send " + misfit.sample + " are refused by old servers"
                                   : "new clients do not read " + misfit.sample + " of old servers"),
                false, true);
        }
        list_safe(head, View(was), View(is), "", told);
    }

    /// Returns `divide: argument /left: number -> integer: `. The old type is first.
    static std::string sentence(const std::string& head, const Misfit& misfit, bool written_first) {
        return head + (misfit.path.empty() ? "" : " " + misfit.path) + ": " +
               (written_first ? misfit.written + " -> " + misfit.read : misfit.read + " -> " + misfit.written) + ": ";
    }

    /// Adds the differences that cause no misfit.
    void list_safe(const std::string& head, const View& was, const View& is, const std::string& path,
                   const std::set<std::string>& told) {
        const Effort::Level level(effort_);
        effort_.spend(512);
        if (!compared_.emplace(was.identity(), is.identity()).second) {
            return;
        }
        const auto safe = [&](const std::string& place, const std::string& what) {
            if (!told.contains(place)) {
                add(head + (place.empty() ? "" : " " + place) + ": " + what + ": safe", false, false);
            }
        };
        if (was.kind() == View::Kind::object && is.kind() == View::Kind::object && !was.is_map() && !is.is_map()) {
            list_safe_fields(head, was, is, path, told);
        } else if (was.kind() == View::Kind::array && is.kind() == View::Kind::array && was.prefix() == is.prefix() &&
                   was.max_items() == is.max_items()) {
            for (std::size_t index = 0; index != was.prefix(); ++index) {
                list_safe(head, was.item(index), is.item(index), place_in(path, std::to_string(index)), told);
            }
            if (was.max_items() > was.prefix()) {
                list_safe(head, was.item(was.prefix()), is.item(is.prefix()), place_in(path, "*"), told);
            }
        } else if (was.words() != is.words()) {
            safe(path, was.words() + " -> " + is.words());
        } else if (was.text("x-converter") != is.text("x-converter")) {
            add(head + (path.empty() ? "" : " " + path) + ": another converter, \"" + was.text("x-converter") +
                    "\" -> \"" + is.text("x-converter") + "\": look whether it takes what the other gives",
                false, false);
        }
    }
    void list_safe_fields(const std::string& head, const View& was, const View& is, const std::string& path,
                          const std::set<std::string>& told) {
        effort_.spend(steps_of(was) + steps_of(is));
        const auto safe = [&](const std::string& name, const std::string& what) {
            if (!told.contains(place_in(path, name))) {
                add(head + " " + place_in(path, name) + ": " + what + ": safe", false, false);
            }
        };
        for (const auto& [name, schema] : was.properties().items()) {
            const bool was_required = was.requires_property(name);
            if (!is.has_property(name)) {
                safe(name, "is gone");
            } else if (was_required != is.requires_property(name)) {
                safe(name, was_required ? "required -> optional" : "optional -> required");
            } else {
                list_safe(head, was.property(name), is.property(name), place_in(path, name), told);
            }
        }
        for (const auto& [name, schema] : is.properties().items()) {
            if (!was.has_property(name)) {
                safe(name, is.requires_property(name) ? "a new field" : "a new optional field");
            }
        }
        if (was.refuses_unknown() != is.refuses_unknown()) {
            safe("*", is.refuses_unknown() ? "other fields are refused now" : "other fields are not refused any more");
        }
    }

    const Json& before_;
    const Json& after_;
    Effort& effort_;
    std::vector<ContractChange> changes_;
    std::set<std::pair<const Json*, const Json*>> compared_;
};

}  // namespace schema

/// Returns the differences between two contracts, as written by `contract`, ordered by route. Throws
/// `std::invalid_argument` or nlohmann/json's exceptions for an invalid contract, and `std::length_error` if the types
/// would take minutes to compare, or are nested over 1,000 deep.
inline std::vector<ContractChange> compare_contracts(const nlohmann::json& before, const nlohmann::json& after) {
    schema::Effort effort(1'000'000'000, 1'000);
    return schema::Comparison(before, after, effort).changes();
}

}  // namespace communica
