// What every fuzz target has in common: a target is one source that includes this and defines `fuzz_one`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>

/// Tries one input. What does not hold ends the process: by `fuzz::require`, an exception that gets out, a sanitizer.
void fuzz_one(std::string_view input);

/// What libFuzzer, or tests/fuzz/replay.cpp, calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz_one({reinterpret_cast<const char*>(data), size});
    return 0;
}

namespace fuzz {

/// Ends the process unless `holds`, so that the fuzzer keeps the input.
inline void require(bool holds, std::string_view what = {},
                    const std::source_location& where = std::source_location::current()) {
    if (!holds) {
        std::fprintf(stderr, "%s:%u: not so: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
                     static_cast<int>(what.size()), what.data());
        std::abort();
    }
}

/// The first byte of an input, which chooses how the rest is used; 0 if there is none.
inline unsigned take_byte(std::string_view& input) noexcept {
    if (input.empty()) {
        return 0;
    }
    const auto byte = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    return byte;
}

}  // namespace fuzz
