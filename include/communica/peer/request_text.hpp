// A request's number as the text that travels as its id.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

namespace communica::peer {

/// Writes and reads ids: 32 hexadecimal digits, as the Python library's, of which the first half stands for this peer
/// object. So an answer to an earlier process under the same client id is not taken for one to this.
class RequestText {
 public:
    using Id = std::array<char, 32>;

    RequestText() {
        std::random_device random;
        write(id_.data(), std::uint64_t{random()} << 32 | random());
    }

    /// The half that all ids of this object share.
    std::string_view session() const noexcept { return {id_.data(), 16}; }

    /// The id of request `number`.
    Id write(std::uint64_t number) const noexcept {
        Id id = id_;
        write(id.data() + 16, number);
        return id;
    }

    /// The number in an id that this object wrote.
    std::optional<std::uint64_t> read(std::string_view id) const noexcept {
        if (id.size() != id_.size() || id.substr(0, 16) != std::string_view(id_.data(), 16)) {
            return std::nullopt;
        }
        std::uint64_t number = 0;
        for (const char digit : id.substr(16)) {
            const int value = digit >= '0' && digit <= '9'   ? digit - '0'
                              : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                                             : -1;
            if (value < 0) {
                return std::nullopt;
            }
            number = number << 4 | static_cast<unsigned>(value);
        }
        return number;
    }

 private:
    static void write(char* digits, std::uint64_t number) noexcept {
        for (int place = 15; place >= 0; --place, number >>= 4) {
            digits[place] = "0123456789abcdef"[number & 15];
        }
    }

    Id id_{};
};

}  // namespace communica::peer
