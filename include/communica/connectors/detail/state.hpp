// A connector's state as a string: a JSON object with a type, in the form of the Python library.
#pragma once

#include "../../error.hpp"
#include "../../wire/json_tree.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace communica::detail {

/// Parses a dumped state and checks its type. Throws `errc::invalid_state`.
class ConnectorState {
 public:
    ConnectorState(std::string_view text, std::string_view type) {
        state_ = wire::read_json(text).value_or(nullptr);
        const auto found = state_.is_object() ? state_.find("type") : state_.end();
        if (found == state_.end() || !found->is_string()) {
            fail("it is not a JSON object with a type");
        }
        if (*found != type) {
            fail("it is of type " + found->dump() + ", not \"" + std::string(type) + "\"");
        }
    }

    template <class T>
    T get(const char* key) const {
        try {
            const nlohmann::json& value = state_.at(key);
            if constexpr (std::integral<T> && !std::same_as<T, bool>) {
                require_integer<T>(key, value);
            }
            return value.get<T>();
        } catch (const nlohmann::json::exception& e) {
            fail(e.what());
        }
    }

    /// The value of `key`, or `otherwise` if it is null or absent.
    template <class T>
    T get_or(const char* key, T otherwise) const {
        const auto found = state_.find(key);
        return found == state_.end() || found->is_null() ? std::move(otherwise) : get<T>(key);
    }

    [[noreturn]] static void fail(const std::string& why) { throw std::system_error(errc::invalid_state, why); }

 private:
    /// nlohmann/json would truncate a fraction, and wrap a number out of range.
    template <std::integral T>
    static void require_integer(const char* key, const nlohmann::json& value) {
        const bool fits = value.is_number_unsigned()
                              ? std::in_range<T>(value.get<std::uint64_t>())
                              : value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
        if (!fits) {
            fail(std::string("there is no ") + key + " " + (value.is_number() ? value.dump() : value.type_name()));
        }
    }

    nlohmann::json state_;
};

/// A JSON string of ASCII alone, with its quotes.
inline std::string quote_ascii(std::string_view text) { return nlohmann::json(text).dump(-1, ' ', true); }

}  // namespace communica::detail
