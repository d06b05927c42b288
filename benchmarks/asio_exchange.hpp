// A hand-written echo exchange on Asio coroutines, over any stream. A frame is a length, an id and that many bytes. One
// read takes all frames received, and one write sends all queued frames.
#pragma once

#include "sockets.hpp"

#include <asio/awaitable.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <memory>

namespace bench {

// The concrete executor type, not any_io_executor, which would cost time that this exchange does not need.
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
using Token = asio::use_awaitable_t<Executor>;
inline constexpr Token use_task;

template <class Protocol>
using Socket = asio::basic_stream_socket<Protocol, Executor>;

struct Head {
    std::uint32_t length = 0;
    std::uint32_t id = 0;
};

struct Frame {
    std::uint32_t id = 0;
    const char* body = nullptr;
    std::size_t size = 0;
};

inline void append(std::vector<char>& out, std::uint32_t id, const char* body, std::size_t size) {
    const Head head{.length = static_cast<std::uint32_t>(size), .id = id};
    const std::size_t at = out.size();
    out.resize(at + sizeof head + size);
    std::memcpy(&out[at], &head, sizeof head);
    std::memcpy(&out[at + sizeof head], body, size);
}

class ReadBuffer {
 public:
    asio::mutable_buffer prepare() {
        if (begin_ == end_) {
            begin_ = end_ = 0;
        }
        Head head;
        std::size_t wanted = sizeof head;
        if (end_ - begin_ >= sizeof head) {
            std::memcpy(&head, &bytes_[begin_], sizeof head);
            wanted += head.length;
        }
        if (bytes_.size() - begin_ < wanted || end_ == bytes_.size()) {
            std::memmove(bytes_.data(), &bytes_[begin_], end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
            bytes_.resize(std::max(bytes_.size(), wanted));
        }
        return asio::buffer(&bytes_[end_], bytes_.size() - end_);
    }
    void commit(std::size_t count) { end_ += count; }

    bool next(Frame& frame) {
        Head head;
        if (end_ - begin_ < sizeof head) {
            return false;
        }
        std::memcpy(&head, &bytes_[begin_], sizeof head);
        if (end_ - begin_ < sizeof head + head.length) {
            return false;
        }
        frame = {.id = head.id, .body = &bytes_[begin_ + sizeof head], .size = head.length};
        begin_ += sizeof head + head.length;
        return true;
    }

 private:
    std::vector<char> bytes_ = std::vector<char>(64 * 1024);
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

template <class S>
void read_now(S& socket, ReadBuffer& buffer) {
    asio::error_code error;
    const std::size_t count = socket.read_some(buffer.prepare(), error);
    if (error && error != asio::error::would_block) {
        throw std::system_error(error);
    }
    buffer.commit(count);
}

// ---- the server: an error ends the coroutine of its connection -----------------------------------------------------

struct NoWork {
    void operator()() const noexcept {}
};

/// Calls `work` for each frame.
template <bool wait, class S, class Work = NoWork>
Task<void> serve_connection(S socket, Work work = {}) {
    ReadBuffer in;
    std::vector<char> out;
    for (;;) {
        if constexpr (wait) {
            co_await socket.async_wait(S::wait_read, use_task);
            read_now(socket, in);
        } else {
            in.commit(co_await socket.async_read_some(in.prepare(), use_task));
        }
        out.clear();
        for (Frame frame; in.next(frame);) {
            work();
            append(out, frame.id, frame.body, frame.size);
        }
        if (!out.empty()) {
            co_await asio::async_write(socket, asio::buffer(out), use_task);
        }
    }
}

// ---- the client, one request at a time on each connection ----------------------------------------------------------

/// `meter.lap(begin)` is called after each answer. Returns when the next request begins.
template <bool wait, class S, class M>
Task<void> ask_in_turn(S& socket, M& meter, const std::string& body) {
    ReadBuffer in;
    std::vector<char> out;
    for (Ticks begin = ticks();; begin = meter.lap(begin)) {
        out.clear();
        append(out, 0, body.data(), body.size());
        co_await asio::async_write(socket, asio::buffer(out), use_task);
        for (Frame frame; !in.next(frame);) {
            if constexpr (wait) {
                co_await socket.async_wait(S::wait_read, use_task);
                read_now(socket, in);
            } else {
                in.commit(co_await socket.async_read_some(in.prepare(), use_task));
            }
        }
    }
}

// ---- the client, many requests at once on one connection -----------------------------------------------------------

/// Sends the requests of many coroutines over one socket. An id is the index of the waiting coroutine.
template <bool wait, class S>
class Multiplexer {
 public:
    Multiplexer(S& socket, std::size_t depth) : socket_(socket), waiting_(depth) {}

    auto request(std::uint32_t id, const std::string& body) {
        return asio::async_initiate<const Token, void(std::string)>(
            [this, id, &body](auto handler) {
                append(queued_, id, body.data(), body.size());
                waiting_[id] = std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler));
                if (!writing_ && !std::exchange(flush_posted_, true)) {  // runs after all ready handlers
                    asio::post(socket_.get_executor(), [this] {
                        flush_posted_ = false;
                        flush();
                    });
                }
            },
            use_task);
    }

    Task<void> read_answers() {
        ReadBuffer in;
        for (;;) {
            if constexpr (wait) {
                co_await socket_.async_wait(S::wait_read, use_task);
                read_now(socket_, in);
            } else {
                in.commit(co_await socket_.async_read_some(in.prepare(), use_task));
            }
            for (Frame frame; in.next(frame);) {
                const auto waiter = std::move(waiting_[frame.id]);
                waiter->complete(std::string(frame.body, frame.size));
            }
        }
    }

 private:
    struct Waiter {
        virtual ~Waiter() = default;
        virtual void complete(std::string answer) = 0;
    };
    template <class Handler>
    struct WaiterOf final : Waiter {
        explicit WaiterOf(Handler&& h) : handler(std::move(h)) {}
        void complete(std::string answer) override { std::move(handler)(std::move(answer)); }
        Handler handler;
    };

    void flush() {
        if (writing_ || queued_.empty()) {
            return;
        }
        writing_ = true;
        in_flight_.clear();
        std::swap(queued_, in_flight_);
        asio::async_write(socket_, asio::buffer(in_flight_), [this](asio::error_code error, std::size_t) {
            if (error) {
                fail(error.message());
            }
            writing_ = false;
            flush();
        });
    }

    S& socket_;
    std::vector<std::unique_ptr<Waiter>> waiting_;
    std::vector<char> queued_;
    std::vector<char> in_flight_;
    bool writing_ = false;
    bool flush_posted_ = false;
};

template <class Requests, class M>
Task<void> ask_among_others(Requests& multiplexer, std::uint32_t id, M& meter, const std::string& body) {
    for (Ticks begin = ticks();; begin = meter.lap(begin)) {
        const std::string answer = co_await multiplexer.request(id, body);
        if (answer.size() != body.size()) {
            fail("not what was sent");
        }
    }
}

inline void stop_on_error(const std::exception_ptr& error) {
    if (error) {
        std::rethrow_exception(error);
    }
}

}  // namespace bench
