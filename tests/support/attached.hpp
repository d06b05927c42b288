// Attachments of a message that are no descriptors.
#pragma once

#include <communica/attachments.hpp>

#include <cstddef>

namespace test {

struct Attached final : communica::base::Attachments {
    explicit Attached(std::size_t count = 1) { size_ = count; }
};

}  // namespace test
