// Child processes of tests: programs of tests/integration/programs, ended by their id.
#pragma once

#include "run.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// How a process ended.
struct Exit {
    std::optional<int> code = {};    ///< if it ended by itself
    std::optional<int> signal = {};  ///< if a signal ended it; on Windows, what stands for one
    bool operator==(const Exit&) const = default;
};

struct ProcessOptions {
    std::vector<std::string> environment = {};  ///< `NAME=value`, besides this process's own
    std::optional<int> inherited = {};          ///< a descriptor that the child gets, under the same number
    bool all_handles = false;                   ///< it gets all others that may be inherited, too
};

/// A running child. Its standard input and output lead to this process. It is killed, if it still runs, when this
/// object ends, and never outlives it.
class Process {
 public:
    /// `program` is the name of one of the test programs, or on POSIX systems the whole path of another.
    Process(const std::string& program, std::vector<std::string> arguments, const ProcessOptions& options = {});
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    ~Process();

    std::int64_t id() const noexcept;

    /// The next line of its output, without the end of line; nothing if the output has ended. Throws at the deadline.
    std::optional<std::string> read_line(std::chrono::steady_clock::duration deadline = patience);
    /// The next line has to begin with this word: gives what follows it.
    std::string expect(std::string_view word, std::chrono::steady_clock::duration deadline = patience);

    void write_line(std::string_view line);
    /// The programs end in order when their input does.
    void end_input() noexcept;
    /// As it is, with SIGKILL: it ends as `killed`.
    void kill();
    /// Waits until it has ended. Throws at the deadline.
    Exit wait(std::chrono::steady_clock::duration deadline = patience);

 private:
    /// More of its output; nothing when it has ended. Throws at the deadline.
    std::string read_some(std::chrono::steady_clock::time_point end);

    class Child;  ///< what the system knows of it: process_unix.cpp, process_windows.cpp

    std::unique_ptr<Child> child_;
    std::string unread_;
};

/// What the programs exit with when they end in order. (Sanitizers exit with other codes.)
inline constexpr Exit in_order{.code = 0};
/// After `Process::kill`.
inline constexpr Exit killed{.signal = 9};

}  // namespace test
