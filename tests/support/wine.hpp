// What Wine does not do as Windows does.
#pragma once

#include "catch.hpp"

#include <asio/detail/socket_types.hpp>

#include <string>

namespace test {

/// Says, under Wine, that something was not tried, and why.
inline bool skip_under_wine(const std::string& why) {
    const bool is_wine = ::GetProcAddress(::GetModuleHandleA("ntdll.dll"), "wine_get_version") != nullptr;
    if (is_wine) {
        WARN("skipped under Wine: " << why);
    }
    return is_wine;
}

}  // namespace test
