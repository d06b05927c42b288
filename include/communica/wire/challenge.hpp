// The members of a hello that prove knowledge of a shared key (docs/protocol.md, "Shared key"). Without cryptography.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace communica::wire {

/// Nonces and proofs have 32 bytes, written as lower-case hexadecimal digits.
inline constexpr std::size_t challenge_digits = 64;

/// The nonce or the proof in a hello; null if it has none, or not in this form.
inline std::optional<std::string> challenge_part(const nlohmann::json& hello, const char* name) {
    const auto ours = hello.is_object() ? hello.find("communica") : hello.end();
    if (!hello.is_object() || ours == hello.end() || !ours->is_object()) {
        return std::nullopt;
    }
    const auto part = ours->find(name);
    if (part == ours->end() || !part->is_string()) {
        return std::nullopt;
    }
    const auto& text = part->get_ref<const std::string&>();
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == challenge_digits && std::all_of(text.begin(), text.end(), is_digit) ? std::optional(text)
                                                                                              : std::nullopt;
}
inline std::optional<std::string> nonce_in(const nlohmann::json& hello) { return challenge_part(hello, "nonce"); }
inline std::optional<std::string> proof_in(const nlohmann::json& hello) { return challenge_part(hello, "proof"); }

}  // namespace communica::wire
