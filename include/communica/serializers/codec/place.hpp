// The position of a reader or writer in a document, and errors that name it.
#pragma once

#include "../../error.hpp"
#include "allowance.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace communica::codec {

/// The deepest nesting of values, in every format, for reading and writing.
inline constexpr std::size_t max_depth = 128;

/// An open container and its current element. It is on the stack of the function that iterates the container.
struct Place {
    static constexpr std::size_t no_index = static_cast<std::size_t>(-1);

    const Place* outer = nullptr;
    std::string_view key = {};
    std::size_t index = no_index;
};

/// The place as a JSON Pointer (RFC 6901): `/user/tags/0`, empty for the whole document.
inline std::string pointer_to(const Place* place) {
    std::string pointer;
    for (; place != nullptr; place = place->outer) {
        if (place->index == Place::no_index && place->key.data() == nullptr) {
            continue;  // before its first element
        }
        std::string segment = "/";
        if (place->index != Place::no_index) {
            segment += std::to_string(place->index);
        } else {
            for (const char byte : place->key.substr(0, 100)) {
                if (byte == '~') {
                    segment += "~0";
                } else if (byte == '/') {
                    segment += "~1";
                } else {
                    segment += byte;
                }
            }
        }
        pointer.insert(0, segment);
    }
    return pointer;
}

/// Throws a `SerializerError` that begins with the place, unless that is the whole document.
[[noreturn]] inline void fail(const Place* place, std::string_view what) {
    std::string message = pointer_to(place);
    if (!message.empty()) {
        message += ": ";
    }
    throw SerializerError(message.append(what));
}

/// The base of readers and writers: the open containers.
class Position {
 public:
    const Place* place() const noexcept { return place_; }

    /// Sets the next element of the innermost container.
    void at(std::size_t index) noexcept { place_->index = index; }
    void at(std::string_view key) noexcept { place_->key = key; }
    /// Between two keys: the view of the previous key is not valid while the next one is read.
    void at_no_key() noexcept { place_->key = {}; }

    [[noreturn]] void fail(std::string_view what) const { codec::fail(place_, what); }

    /// Reserves `bytes` of the thread's `Allowance` before an allocation. Throws if it has too few.
    void charge(std::size_t bytes) const {
        if (!Allowance::take(bytes)) [[unlikely]] {
            fail(Allowance::refusal);
        }
    }

 private:
    friend class Level;

    Place* place_ = nullptr;
    std::size_t depth_ = 0;
};

/// Opens a container during its lifetime. Throws if the nesting becomes too deep.
class Level {
 public:
    explicit Level(Position& position)
        : position_(position), outer_(position.place_), place_{.outer = position.place_} {
        if (position.depth_ == max_depth) {
            position.fail("nested deeper than " + std::to_string(max_depth) + " levels");
        }
        ++position.depth_;
        position.place_ = &place_;
    }
    ~Level() {
        --position_.depth_;
        position_.place_ = outer_;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

 private:
    Position& position_;
    Place* outer_;
    Place place_;
};

}  // namespace communica::codec
