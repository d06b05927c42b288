// Bytes as they are, until the library has a serializer of its own for them.
#pragma once

#include <communica/serializers/serializer.hpp>

#include <concepts>
#include <string>
#include <string_view>

namespace bench {

struct BytesSerializer {
    void dump(const communica::Nothing&, communica::Buffer&) const {}
    void dump(std::string_view value, communica::Buffer& out) const { out.append(value); }

    template <std::same_as<std::string> T>
    T load(communica::Bytes bytes) const {
        return T(communica::as_text(bytes));
    }
};

}  // namespace bench
