// Catch2 3. What of it version 2, Debian 12's, spells otherwise is here, and nowhere else.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>

#include <string>

namespace Catch::Matchers {

inline auto ContainsSubstring(const std::string& part, CaseSensitive::Choice sensitivity = CaseSensitive::Yes) {
    return Contains(part, sensitivity);
}

}  // namespace Catch::Matchers
#endif
