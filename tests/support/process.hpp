// Child processes of tests: programs of tests/integration/programs, started by exec and ended by their id.
#pragma once

#include "run.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace test {

/// How a process ended.
struct Exit {
    std::optional<int> code = {};    ///< if it ended by itself
    std::optional<int> signal = {};  ///< if a signal ended it
    bool operator==(const Exit&) const = default;
};

struct ProcessOptions {
    std::vector<std::string> environment = {};  ///< `NAME=value`, besides this process's own
    std::optional<int> inherited = {};          ///< a descriptor that the child gets, under the same number
};

/// A running child. Its standard input and output lead to this process. It is killed, if it still runs, when this
/// object ends, and never outlives it.
class Process {
 public:
    /// `program` is the name of one of the test programs.
    Process(const std::string& program, std::vector<std::string> arguments, const ProcessOptions& options = {});
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    ~Process();

    pid_t id() const noexcept { return pid_; }

    /// The next line of its output, without the end of line; nothing if the output has ended. Throws at the deadline.
    std::optional<std::string> read_line(std::chrono::steady_clock::duration deadline = patience);
    /// The next line has to begin with this word: gives what follows it.
    std::string expect(std::string_view word, std::chrono::steady_clock::duration deadline = patience);

    void write_line(std::string_view line);
    /// The programs end in order when their input does.
    void end_input() noexcept;
    void kill(int signal);
    /// Waits until it has ended. Throws at the deadline.
    Exit wait(std::chrono::steady_clock::duration deadline = patience);

 private:
    pid_t pid_ = -1;
    int input_ = -1;   // its input: we write there
    int output_ = -1;  // its output: we read there
    std::string unread_;
};

/// What the programs exit with when they end in order. (Sanitizers exit with other codes.)
inline constexpr Exit in_order{.code = 0};

}  // namespace test
