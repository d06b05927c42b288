// serve: a server whose answers a shell command gives

#include "client.hpp"
#include "output.hpp"

#include <communica/entities/route_server.hpp>
#include <communica/entities/simple_server.hpp>

#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <mutex>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {

namespace {

/// What a command may write for one request.
constexpr std::size_t max_output = 64 * 1024 * 1024;
constexpr std::size_t max_complaint = 4096;

class Descriptor {
 public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() { close(); }
    int get() const noexcept { return number_; }
    bool is_open() const noexcept { return number_ >= 0; }
    void close() noexcept {
        if (number_ >= 0) {
            ::close(std::exchange(number_, -1));
        }
    }

 private:
    int number_;
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::pair<Descriptor, Descriptor> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("pipe");
    }
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// A shell command with three pipes, in a process group of its own: it is killed with what it has started.
class Child {
 public:
    Child(const std::string& command, const std::vector<std::string>& variables) {
        auto [stdin_read, stdin_write] = make_pipe();
        auto [stdout_read, stdout_write] = make_pipe();
        auto [stderr_read, stderr_write] = make_pipe();
        std::vector<char*> environment;
        for (char** one = environ; *one != nullptr; ++one) {
            environment.push_back(*one);
        }
        for (const std::string& one : variables) {
            environment.push_back(const_cast<char*>(one.c_str()));
        }
        environment.push_back(nullptr);
        const char* const arguments[] = {"/bin/sh", "-c", command.c_str(), nullptr};
        pid_ = ::fork();
        if (pid_ < 0) {
            fail("fork");
        }
        if (pid_ == 0) {  // only what is safe beside other threads
            ::setpgid(0, 0);
            ::dup2(stdin_read.get(), 0);
            ::dup2(stdout_write.get(), 1);
            ::dup2(stderr_write.get(), 2);
            ::signal(SIGPIPE, SIG_DFL);
            ::execve(arguments[0], const_cast<char* const*>(arguments), environment.data());
            ::_exit(127);
        }
        ::setpgid(pid_, pid_);
        in = std::move(stdin_write);
        out = std::move(stdout_read);
        error = std::move(stderr_read);
        for (const Descriptor* end : {&in, &out, &error}) {
            ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ > 0) {
            kill();
            wait();
        }
    }

    void kill() const { ::kill(-pid_, SIGKILL); }
    /// Its exit code, or 128 and the signal that has ended it.
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    Descriptor in;
    Descriptor out;
    Descriptor error;

 private:
    ::pid_t pid_ = -1;
};

/// Reads what is there into the text, as much as it may become. False at the end.
bool read_some(Descriptor& from, std::string& text, std::size_t most) {
    std::array<char, 65536> piece;  // NOLINT(*-member-init)
    const auto count = ::read(from.get(), piece.data(), piece.size());
    if (count < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    text.append(piece.data(), std::min(static_cast<std::size_t>(count), most - std::min(most, text.size())));
    return count != 0;
}
/// Writes what is left of the text. False once there is nothing left, or nobody reads.
bool write_some(const Descriptor& to, std::string_view& rest) {
    const auto count = ::write(to.get(), rest.data(), rest.size());
    if (count < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
    return !rest.empty();
}

std::string complaint_of(std::string text, const std::string& otherwise) {
    while (text.ends_with('\n')) {
        text.pop_back();
    }
    return text.empty() ? otherwise : text;
}

/// A process for one request: it reads the value and writes the answer.
std::string run_once(const std::string& command, const std::string& value, const communica::Context& context) {
    Child child(command, {"COMMUNICA_ROUTE=" + context.route(), "COMMUNICA_CLIENT_ID=" + context.client_id()});
    std::string_view rest = value;
    std::string answer;
    std::string complaint;
    if (rest.empty()) {
        child.in.close();
    }
    while (child.out.is_open() || child.error.is_open()) {
        std::array<::pollfd, 3> ready{
            {{child.in.get(), POLLOUT, 0}, {child.out.get(), POLLIN, 0}, {child.error.get(), POLLIN, 0}}};
        ::poll(ready.data(), ready.size(), 100);
        if (context.is_cancelled()) {
            child.kill();
            throw communica::ResponderError("the requester has gone, and the command was ended");
        }
        if (ready[0].revents != 0 && child.in.is_open() && !write_some(child.in, rest)) {
            child.in.close();
        }
        if (ready[1].revents != 0 && child.out.is_open() && !read_some(child.out, answer, max_output + 1)) {
            child.out.close();
        }
        if (ready[2].revents != 0 && child.error.is_open() && !read_some(child.error, complaint, max_complaint)) {
            child.error.close();
        }
        if (answer.size() > max_output) {
            child.kill();
            throw communica::ResponderError("the command writes more than 64 MiB", 413);
        }
    }
    if (const int code = child.wait(); code != 0) {
        throw communica::ResponderError(complaint_of(complaint, "the command ended with " + std::to_string(code)),
                                        code);
    }
    if (answer.ends_with('\n')) {  // as `echo` and `jq` write one
        answer.pop_back();
    }
    return answer;
}

/// One process for all requests, one line each. It is started again if it has ended.
class LineProcess {
 public:
    explicit LineProcess(std::string command) : command_(std::move(command)) {}

    std::string ask(const std::string& value, const communica::Context& context) {
        if (value.find('\n') != value.npos) {
            throw communica::RequesterError("a value of several lines, for a command that reads one", 400);
        }
        const std::lock_guard lock(mutex_);
        if (!child_) {
            child_.emplace(command_, std::vector<std::string>());
            unread_.clear();
        }
        try {
            return answer_of(value + "\n", context);
        } catch (...) {
            child_.reset();  // the answers that follow would be to other requests
            throw;
        }
    }

 private:
    std::string answer_of(const std::string& line, const communica::Context& context) {
        std::string_view rest = line;
        std::string complaint;
        for (;;) {
            if (const auto end = unread_.find('\n'); rest.empty() && end != unread_.npos) {
                std::string answer = unread_.substr(0, end);
                unread_.erase(0, end + 1);
                return answer;
            }
            std::array<::pollfd, 3> ready{{{rest.empty() ? -1 : child_->in.get(), POLLOUT, 0},
                                           {child_->out.get(), POLLIN, 0},
                                           {child_->error.get(), POLLIN, 0}}};
            ::poll(ready.data(), ready.size(), 100);
            if (context.is_cancelled()) {
                throw communica::ResponderError("the requester has gone, and the command was ended");
            }
            if (ready[0].revents != 0) {
                write_some(child_->in, rest);
            }
            if (ready[2].revents != 0 && !read_some(child_->error, complaint, max_complaint)) {
                child_->error.close();
            }
            if (ready[1].revents != 0 && !read_some(child_->out, unread_, max_output + 1)) {
                throw communica::ResponderError(complaint_of(complaint, "the command has ended without an answer"));
            }
            if (unread_.size() > max_output) {
                throw communica::ResponderError("the command writes a line of more than 64 MiB", 413);
            }
        }
    }

    const std::string command_;
    std::mutex mutex_;
    std::optional<Child> child_;
    std::string unread_;
};

}  // namespace

int run_serve(const Common& common, const ServeOptions& options) {
    asio::io_context context;
    asio::thread_pool threads(options.lines ? 1 : options.jobs);
    LineProcess lines(options.command);
    auto handler = communica::on_executor(threads, [&](const std::string& value, communica::Context& asked) {
        return options.lines ? lines.ask(value, asked) : run_once(options.command, value, asked);
    });
    communica::ServerOptions server_options;
    server_options.name = options.name.empty() ? "communica serve --exec " + options.command : options.name;
    server_options.counters = std::make_shared<communica::Counters>();
    communica::SimpleServer server(context, parse_address(options.address, common.access), handler,
                                   communica::BytesSerializer(), server_options);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait(
        [&](asio::error_code, int) { server.drain(std::chrono::seconds{5}, [](const std::exception_ptr&) {}); });
    std::exception_ptr failure;
    server.start([&](std::exception_ptr e) {
        if (e) {
            failure = std::move(e);
            signals.cancel();
            return context.stop();
        }
        std::cout << (common.json ? json_text({{"listening", server.address()}}) : "listening on " + server.address())
                  << std::endl;
    });
    context.run();
    threads.join();
    if (failure) {
        std::rethrow_exception(failure);
    }
    return succeeded;
}

}  // namespace tool
