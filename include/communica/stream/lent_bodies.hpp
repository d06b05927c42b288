// Bodies in lent memory, which the frames of a queue refer to.
#pragma once

#include "../buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace communica::stream {

class LentBodies {
 public:
    bool empty() const noexcept { return bodies_.empty(); }
    std::size_t size() const noexcept { return bodies_.size(); }
    void reserve(std::size_t size) { bodies_.reserve(size); }
    void reserve_one_more() {
        if (bodies_.size() == bodies_.capacity()) {
            bodies_.reserve(2 * bodies_.size() + 1);
        }
    }

    void add(Buffer&& body) { bodies_.push_back(std::move(body)); }
    void add(LentBodies&& others) { std::ranges::move(others.bodies_, std::back_inserter(bodies_)); }

    /// Takes the one in this memory. Of two the later: the earlier has come back since it was sent.
    Buffer take(std::uint32_t segment) noexcept {
        const auto found = std::find_if(bodies_.rbegin(), bodies_.rend(), [segment](const Buffer& body) {
            return body.lent_memory()->segment == segment;
        });
        Buffer body = std::move(*found);
        bodies_.erase(std::next(found).base());
        return body;
    }

    /// From now on the peer may pass them back.
    void note_sent() noexcept {
        for (const Buffer& body : bodies_) {
            body.lent_memory()->note_sent();
        }
    }
    /// The peer has them now.
    void pass_on() noexcept {
        for (Buffer& body : bodies_) {
            body.pass_on();
        }
        bodies_.clear();
    }

 private:
    std::vector<Buffer> bodies_;
};

}  // namespace communica::stream
