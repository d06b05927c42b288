// One allocation fails, each in turn, while entities connect, ask, answer, reconnect, drain and start again: nothing aborts, hangs
// or leaks, each request completes once, what fails to drain is closed, and a fresh request is answered.
#include "support/catch.hpp"
#include "support/process.hpp"

#include <iostream>
#include <string>

namespace failing_allocations_unix {

namespace {

void fail_every(int stride) {
    const std::string transport = GENERATE("tcp", "local");
    const std::string scenario = GENERATE("connect", "ask", "answer", "complete", "reconnect", "drain", "restart");
    test::Process starving("starving", {scenario, transport, std::to_string(stride)});
    std::string said;
    while (const auto line = starving.read_line(10 * test::patience)) {
        said += *line + '\n';
    }
    std::cout << said;
    CAPTURE(said);
    CHECK(said.find(" 0 wrong") != std::string::npos);
    CHECK(starving.wait() == test::in_order);
}

}  // namespace

TEST_CASE("an allocation that fails costs what it was for, at the most", "[.long]") { fail_every(17); }

TEST_CASE("each allocation that fails costs what it was for, at the most", "[.long]") { fail_every(1); }

}  // namespace failing_allocations_unix
