#include "support/catch.hpp"

#include <communica/entities/default_log.hpp>

#include <array>
#include <cstddef>
#include <string>

#include <unistd.h>

namespace default_log_tests {

using communica::LogLevel;
using communica::entities::DefaultLog;

TEST_CASE("what a peer sends adds no line to the default log, and does not control the terminal") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    DefaultLog()(LogLevel::warning, "failed: \x1B[2J\ncommunica: warning: forged");
    ::dup2(before, STDERR_FILENO);
    std::array<char, 256> bytes{};
    const auto size = ::read(ends[0], bytes.data(), bytes.size());
    for (const int descriptor : {ends[0], ends[1], before}) {
        ::close(descriptor);
    }
    REQUIRE(size > 0);
    CHECK(std::string(bytes.data(), static_cast<std::size_t>(size)) ==
          "communica: warning: failed: \\x1b[2J\\x0acommunica: warning: forged\n");
}

}  // namespace default_log_tests
