// Checks of what is awaited.
#pragma once

#include "catch.hpp"

/// For `CHECK(co_await operation == expected)`: GCC 12 awaits twice what stands inside Catch2's own macros.
#define CHECK_AWAITED(expected, ...)                \
    do {                                            \
        const auto awaited_ = co_await __VA_ARGS__; \
        INFO(#__VA_ARGS__);                         \
        CHECK(awaited_ == (expected));              \
    } while (false)
