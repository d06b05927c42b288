// Reads metadata in its usual form without a parser.
#pragma once

#include "../plain_text.hpp"
#include "metadata.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace communica::wire::detail {

/// Scans the usual form of metadata: an object with only `id`, `type`, `route`, `timeout` and `headers`, each at most
/// once, strings of ASCII without escapes, and short integers. Any other form is left to the parser.
class MetadataScanner {
 public:
    explicit MetadataScanner(std::string_view text) : text_(text), at_(text.data()), end_(at_ + text.size()) {}

    bool scan(Metadata& metadata) {
        if (scan_usual(metadata)) {
            return true;
        }
        metadata = {};
        at_ = text_.data();
        return scan_any_order(metadata);
    }

 private:
    /// The keys in the order and with the spaces that both libraries write, and numbers and ids of their length. Takes
    /// a quarter of the time of any other form.
    bool scan_usual(Metadata& metadata) noexcept {
        if (!take("{\"id\": \"") || !(usual_id(metadata.id) || string_end(metadata.id)) || !take(", \"type\": ") ||
            !usual_type(metadata)) {
            return false;
        }
        if (left() == 1 && *at_ == '}') {
            return true;
        }
        return (!take(", \"route\": \"") || string_end(metadata.route.emplace())) &&
               (!take(", \"timeout\": ") || timeout(metadata)) && take('}') && at_ == end_;
    }

    /// 32 plain characters and a quote. Without a loop, which takes half the time of `string_end`.
    bool usual_id(std::string_view& value) noexcept {
        constexpr std::size_t size = 32;
        if (left() <= size || at_[size] != '"' || !base::are_plain_32(at_)) {
            return false;
        }
        value = {at_, size};
        at_ += size + 1;
        return true;
    }

    /// One or two digits. If there are more, what follows does not match.
    bool usual_type(Metadata& metadata) noexcept {
        const char* begin = at_;
        if (left() < 2 || !is_digit(begin[0])) {
            return false;
        }
        int value = digit(*at_++);
        if (is_digit(*at_) && value != 0) {
            value = value * 10 + digit(*at_++);
        }
        set_type(metadata, begin, value);
        return true;
    }

    bool scan_any_order(Metadata& metadata) noexcept {
        bool has_id = false;
        bool has_type = false;
        bool has_timeout = false;
        skip_space();
        if (!take('{')) {
            return false;
        }
        do {
            skip_space();
            std::string_view key;
            if (!string(key) || !colon()) {
                return false;
            }
            if (key == "type" && !has_type) {
                has_type = type(metadata);
                if (!has_type) {
                    return false;
                }
            } else if (key == "id" && !has_id) {
                has_id = string(metadata.id);
                if (!has_id) {
                    return false;
                }
            } else if (key == "route" && !metadata.route) {
                if (!string(metadata.route.emplace())) {
                    return false;
                }
            } else if (key == "timeout" && !has_timeout) {
                has_timeout = timeout(metadata);
                if (!has_timeout) {
                    return false;
                }
            } else if (key == "headers" && metadata.headers.empty()) {
                if (!headers(metadata)) {
                    return false;
                }
            } else {
                return false;
            }
            skip_space();
        } while (take(','));
        if (!take('}')) {
            return false;
        }
        skip_space();
        return at_ == end_ && has_type;
    }

    void skip_space() noexcept {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) {
            ++at_;
        }
    }

    bool take(char wanted) noexcept {
        if (at_ == end_ || *at_ != wanted) {
            return false;
        }
        ++at_;
        return true;
    }

    /// The size is known to the compiler: one or two comparisons instead of a call.
    template <std::size_t N>
    bool take(const char (&wanted)[N]) noexcept {
        if (left() < N - 1 || std::memcmp(at_, wanted, N - 1) != 0) {
            return false;
        }
        at_ += N - 1;
        return true;
    }

    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static int digit(char c) noexcept { return c - '0'; }

    bool colon() noexcept {
        skip_space();
        const bool found = take(':');
        skip_space();
        return found;
    }

    bool string(std::string_view& value) noexcept { return take('"') && string_end(value); }

    /// The rest of a string behind its opening quote.
    bool string_end(std::string_view& value) noexcept {
        const char* begin = at_;
        at_ = base::plain_end(at_, end_);
        value = {begin, static_cast<std::size_t>(at_ - begin)};
        return take('"');
    }

    bool number(int max_digits, std::int64_t& value) noexcept {
        const char* begin = at_;
        value = 0;
        while (at_ != end_ && at_ - begin < max_digits && is_digit(*at_)) {
            value = value * 10 + digit(*at_++);
        }
        return at_ != begin && (*begin != '0' || at_ - begin == 1) && at_ != end_ &&
               (*at_ == ',' || *at_ == '}' || *at_ == ' ');
    }

    bool timeout(Metadata& metadata) noexcept {
        if (take("null")) {
            metadata.timeout.reset();
            return true;
        }
        std::int64_t value = 0;
        const bool found = number(12, value);  // fits into a clock that counts nanoseconds
        metadata.timeout = std::chrono::milliseconds{value};
        return found;
    }

    bool headers(Metadata& metadata) noexcept {
        const char* begin = at_;
        std::string_view ignored;
        if (!take('{')) {
            return false;
        }
        do {
            skip_space();
            if (!string(ignored) || !colon() || !string(ignored)) {
                return false;
            }
            skip_space();
        } while (take(','));
        const bool whole = take('}');
        metadata.headers = {begin, static_cast<std::size_t>(at_ - begin)};
        return whole;
    }

    bool type(Metadata& metadata) noexcept {
        const char* begin = at_;
        std::int64_t value = 0;
        if (!number(4, value)) {
            return false;
        }
        set_type(metadata, begin, static_cast<int>(value));
        return true;
    }

    /// Sets the type and the text around it: up to `begin`, and from the current position on.
    void set_type(Metadata& metadata, const char* begin, int value) const noexcept {
        metadata.type = static_cast<MessageType>(value);
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size goes with it
        metadata.before_type = {text_.data(), static_cast<std::size_t>(begin - text_.data())};
        metadata.after_type = {at_, left()};
    }

    std::string_view text_;
    const char* at_;
    const char* end_;
};

}  // namespace communica::wire::detail
