#include "support/process.hpp"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace test {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void close_others_on_exec() {
#if defined(SYS_close_range)
    constexpr unsigned only_on_exec = 1U << 2;  // CLOSE_RANGE_CLOEXEC
    (void)::syscall(SYS_close_range, 3U, ~0U, only_on_exec);
#endif
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

/// Waits until there is something to read, or the end.
void wait_readable(int descriptor, std::chrono::steady_clock::time_point end, const char* what) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        ::pollfd poll{.fd = descriptor, .events = POLLIN, .revents = 0};
        const int count = ::poll(&poll, 1, left < 0 ? 0 : static_cast<int>(left));
        if (count > 0) {
            return;
        }
        if (count == 0) {
            throw std::runtime_error(std::string("a child process did not ") + what + " before the deadline");
        }
        if (errno != EINTR) {
            throw_errno("poll");
        }
    }
}

}  // namespace

class Process::Child {
 public:
    Child() = default;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        end_input();
        if (output >= 0) {
            ::close(output);
        }
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
            }
        }
    }
    void end_input() noexcept {
        if (input >= 0) {
            ::close(std::exchange(input, -1));
        }
    }

    pid_t pid = -1;
    int input = -1;   // its input: we write there
    int output = -1;  // its output: we read there
};

Process::Process(const std::string& program, std::vector<std::string> arguments, const ProcessOptions& options)
    : child_(std::make_unique<Child>()) {
    arguments.insert(arguments.begin(), std::filesystem::path(COMMUNICA_TEST_PROGRAMS_DIR) / program);
    std::vector<std::string> environment(options.environment);
    for (char** variable = environ; *variable != nullptr; ++variable) {
        environment.emplace_back(*variable);  // of two values of a variable the first counts
    }
    const auto argv = pointers_to(arguments);
    const auto envp = pointers_to(environment);

    int input[2];
    int output[2];
    // A socket, as writing to a pipe that nobody reads would raise SIGPIPE, which tests are not to ignore.
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) != 0 || ::pipe2(output, O_CLOEXEC) != 0) {
        throw_errno("a pipe");
    }
    child_->pid = ::fork();
    if (child_->pid < 0) {
        throw_errno("fork");
    }
    if (child_->pid == 0) {  // nothing but what is safe after a fork in a program with threads
        // Asio's own sockets, as of a `FaultProxy`, are not close-on-exec: in the child, ends that are closed here would stay open.
        if (!options.all_handles) {
            close_others_on_exec();
        }
        if (::dup2(input[0], STDIN_FILENO) < 0 || ::dup2(output[1], STDOUT_FILENO) < 0 ||
            (options.inherited && ::fcntl(*options.inherited, F_SETFD, 0) != 0)) {
            ::_exit(126);
        }
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    ::close(input[0]);
    ::close(output[1]);
    child_->input = input[1];
    child_->output = output[0];
}

Process::Process(Process&& other) noexcept = default;
Process::~Process() = default;

std::int64_t Process::id() const noexcept { return child_->pid; }

std::string Process::read_some(std::chrono::steady_clock::time_point end) {
    for (;;) {
        wait_readable(child_->output, end, "write a line");
        char part[4096];
        const ::ssize_t count = ::read(child_->output, part, sizeof part);
        if (count >= 0) {
            return {part, static_cast<std::size_t>(count)};
        }
        if (errno != EINTR) {
            throw_errno("read");
        }
    }
}

void Process::write_line(std::string_view line) {
    std::string text = std::string(line) + '\n';
    for (std::size_t written = 0; written < text.size();) {
        const ::ssize_t count = ::send(child_->input, text.data() + written, text.size() - written, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            throw_errno("send");
        }
        written += count < 0 ? 0 : static_cast<std::size_t>(count);
    }
}

void Process::end_input() noexcept { child_->end_input(); }

void Process::kill() {
    if (::kill(child_->pid, SIGKILL) != 0) {
        throw_errno("kill");
    }
}

Exit Process::wait(std::chrono::steady_clock::duration deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, child_->pid, 0));
    if (process < 0) {
        throw_errno("pidfd_open");
    }
    try {
        wait_readable(process, end, "end");
    } catch (...) {
        ::close(process);
        throw;
    }
    ::close(process);
    int status = 0;
    while (::waitpid(child_->pid, &status, 0) < 0) {
        if (errno != EINTR) {
            throw_errno("waitpid");
        }
    }
    child_->pid = -1;
    if (WIFSIGNALED(status)) {
        return {.signal = WTERMSIG(status)};
    }
    return {.code = WEXITSTATUS(status)};
}

}  // namespace test
