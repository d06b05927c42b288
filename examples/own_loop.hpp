// Adapts a program's own event loop to an Asio executor: submitted functions run in the loop's thread, and a descriptor
// becomes readable when there are any. poll_loop and glib_loop use it.
#pragma once

#include <asio/execution.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

class OwnLoop {
 public:
    class Executor;

    OwnLoop() {
        if (::pipe(pipe_.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
        for (const int end : pipe_) {
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
            ::fcntl(end, F_SETFL, O_NONBLOCK);
        }
    }
    OwnLoop(const OwnLoop&) = delete;
    OwnLoop& operator=(const OwnLoop&) = delete;
    ~OwnLoop() {
        for (const int end : pipe_)
            ::close(end);
    }

    Executor get_executor() noexcept;

    // The descriptor that the loop polls for reading.
    int descriptor() const noexcept { return pipe_[0]; }

    // Runs the submitted functions and returns. The loop's thread calls it when the descriptor is readable.
    void run_ready() {
        std::array<char, 64> wakes{};
        while (::read(pipe_[0], wakes.data(), wakes.size()) > 0) {
        }
        ready_.restart();
        ready_.poll();
    }

 private:
    template <class F>
    void add(F&& function) {
        asio::post(ready_, std::forward<F>(function));
        const char wake = 0;
        [[maybe_unused]] const auto written = ::write(pipe_[1], &wake, 1);  // a full pipe is readable, too
    }

    asio::io_context ready_;  // used only as a queue: no thread blocks in it
    std::array<int, 2> pipe_{};
};

class OwnLoop::Executor {
 public:
    explicit Executor(OwnLoop& loop) noexcept : loop_(&loop) {}

    template <class F>
    void execute(F&& function) const {
        loop_->add(std::forward<F>(function));
    }
    asio::execution_context& query(asio::execution::context_t) const noexcept { return loop_->ready_; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
        return asio::execution::blocking_t::never_t{};
    }
    bool operator==(const Executor&) const noexcept = default;

 private:
    OwnLoop* loop_;
};

inline OwnLoop::Executor OwnLoop::get_executor() noexcept { return Executor{*this}; }

// The thread that does the library's work. Destroy this after all objects that use its context.
class NetworkThread {
 public:
    NetworkThread() = default;
    NetworkThread(const NetworkThread&) = delete;
    NetworkThread& operator=(const NetworkThread&) = delete;
    ~NetworkThread() {
        work_.reset();
        thread_.join();
    }

    asio::io_context& context() noexcept { return context_; }

 private:
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::thread thread_{[this] { context_.run(); }};
};
