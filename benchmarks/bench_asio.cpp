// Asio coroutines without a library above them: what somebody would write who needs nothing but this one exchange.
// Frames are a length, an id and that many bytes. One read takes all frames that came, and one write carries all that
// there is to say. Variants:
//
//     coro    the baseline of the ratios
//     wait    waits until the socket is readable and reads then, which saves the read that finds nothing
//     large   frames read straight into their body, heads and bodies written gathered

#include "sockets.hpp"

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <memory>

namespace {

using bench::Ticks;

// The executor's own type, not any_io_executor: nothing here is paid for that this exchange does not need.
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
using Token = asio::use_awaitable_t<Executor>;
constexpr Token use_task;

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

void append(std::vector<char>& out, std::uint32_t id, const char* body, std::size_t size) {
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

// ---- the server: errors end a connection's coroutine, which is all there is to do ----------------------------------

template <bool wait, class S>
Task<void> serve_connection(S socket) {
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
            append(out, frame.id, frame.body, frame.size);
        }
        if (!out.empty()) {
            co_await asio::async_write(socket, asio::buffer(out), use_task);
        }
    }
}

template <class S>
Task<void> serve_large(S socket) {
    Head head;
    std::vector<char> body;
    for (;;) {
        co_await asio::async_read(socket, asio::buffer(&head, sizeof head), use_task);
        body.resize(head.length);
        co_await asio::async_read(socket, asio::buffer(body), use_task);
        const std::array buffers{asio::const_buffer(&head, sizeof head), asio::const_buffer(body.data(), body.size())};
        co_await asio::async_write(socket, buffers, use_task);
    }
}

template <class Protocol>
Task<void> accept_all(asio::basic_socket_acceptor<Protocol, Executor> acceptor, const bench::Options& options) {
    for (;;) {
        Socket<Protocol> socket = co_await acceptor.async_accept(use_task);
        if (options.tcp) {
            bench::set_no_delay(socket.native_handle());
        }
        socket.non_blocking(true);
        if (options.variant == "large") {
            asio::co_spawn(acceptor.get_executor(), serve_large(std::move(socket)), asio::detached);
        } else if (options.variant == "wait") {
            asio::co_spawn(acceptor.get_executor(), serve_connection<true>(std::move(socket)), asio::detached);
        } else {
            asio::co_spawn(acceptor.get_executor(), serve_connection<false>(std::move(socket)), asio::detached);
        }
    }
}

template <class Protocol>
void serve_over(const Protocol& protocol, const bench::Options& options) {
    asio::io_context context(1);
    asio::basic_socket_acceptor<Protocol, Executor> acceptor(context, protocol, bench::listen_socket(options));
    asio::co_spawn(context, accept_all(std::move(acceptor), options), asio::detached);
    bench::say_ready();
    context.run();
}

// ---- the client, one request at a time on each connection ----------------------------------------------------------

template <bool wait, class S>
Task<void> ask_in_turn(S& socket, bench::Meter& meter, const std::string& body) {
    ReadBuffer in;
    std::vector<char> out;
    for (Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
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

template <class S>
Task<void> ask_large(S& socket, bench::Meter& meter, const std::string& request) {
    std::vector<char> body;
    for (Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        Head head{.length = static_cast<std::uint32_t>(request.size())};
        const std::array buffers{asio::const_buffer(&head, sizeof head),
                                 asio::const_buffer(request.data(), request.size())};
        co_await asio::async_write(socket, buffers, use_task);
        co_await asio::async_read(socket, asio::buffer(&head, sizeof head), use_task);
        body.resize(head.length);
        co_await asio::async_read(socket, asio::buffer(body), use_task);
    }
}

// ---- the client, many requests at once on one connection -----------------------------------------------------------

/// Requests of many coroutines over one socket. An id is the place of who waits.
template <bool wait, class S>
class Multiplexer {
 public:
    Multiplexer(S& socket, std::size_t depth) : socket_(socket), waiting_(depth) {}

    auto request(std::uint32_t id, const std::string& body) {
        return asio::async_initiate<const Token, void(std::string)>(
            [this, id, &body](auto handler) {
                append(queued_, id, body.data(), body.size());
                waiting_[id] = std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler));
                if (!writing_ && !std::exchange(flush_posted_, true)) {  // behind all that can run now
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
        flying_.clear();
        std::swap(queued_, flying_);
        asio::async_write(socket_, asio::buffer(flying_), [this](asio::error_code error, std::size_t) {
            if (error) {
                bench::fail(error.message());
            }
            writing_ = false;
            flush();
        });
    }

    S& socket_;
    std::vector<std::unique_ptr<Waiter>> waiting_;
    std::vector<char> queued_;
    std::vector<char> flying_;
    bool writing_ = false;
    bool flush_posted_ = false;
};

template <class M>
Task<void> ask_among_others(M& multiplexer, std::uint32_t id, bench::Meter& meter, const std::string& body) {
    for (Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        const std::string answer = co_await multiplexer.request(id, body);
        if (answer.size() != body.size()) {
            bench::fail("not what was sent");
        }
    }
}

void stop_on_error(const std::exception_ptr& error) {
    if (error) {
        std::rethrow_exception(error);
    }
}

template <bool wait, class Protocol>
void ask_over(const Protocol& protocol, const bench::Options& options) {
    asio::io_context context(1);
    std::vector<Socket<Protocol>> sockets;
    for (int i = 0; i != options.clients; ++i) {
        sockets.emplace_back(context, protocol, bench::connect_socket(options)).non_blocking(true);
    }
    const std::string body(options.size, 'x');
    bench::Meter meter(options);
    if (options.variant == "large") {
        asio::co_spawn(context, ask_large(sockets.front(), meter, body), stop_on_error);
        context.run();
    } else if (options.depth == 1) {
        for (auto& socket : sockets) {
            asio::co_spawn(context, ask_in_turn<wait>(socket, meter, body), stop_on_error);
        }
        context.run();
    } else {
        Multiplexer<wait, Socket<Protocol>> multiplexer(sockets.front(), static_cast<std::size_t>(options.depth));
        asio::co_spawn(context, multiplexer.read_answers(), stop_on_error);
        for (int id = 0; id != options.depth; ++id) {
            asio::co_spawn(context, ask_among_others(multiplexer, static_cast<std::uint32_t>(id), meter, body),
                           stop_on_error);
        }
        context.run();
    }
}

template <class S>
Task<void> ask_once(S& socket) {
    const std::string body(64, 'x');
    std::vector<char> out;
    append(out, 0, body.data(), body.size());
    co_await asio::async_write(socket, asio::buffer(out), use_task);
    co_await asio::async_read(socket, asio::buffer(out), use_task);
}

template <class Protocol>
void measure_idle(const Protocol& protocol, const bench::Options& options) {
    asio::io_context context(1);
    std::vector<Socket<Protocol>> sockets;
    const auto connect = [&] {
        sockets.emplace_back(context, protocol, bench::connect_socket(options));
        asio::co_spawn(context, ask_once(sockets.back()), stop_on_error);
        context.run();
        context.restart();
    };
    connect();
    const bench::IdleMeter meter(options);
    for (int i = 0; i != options.clients; ++i) {
        connect();
    }
    meter.report();
}

void serve(const bench::Options& options) {
    if (options.tcp) {
        serve_over(asio::ip::tcp::v4(), options);
    } else {
        serve_over(asio::local::stream_protocol(), options);
    }
}

template <class Protocol>
void ask_with(const Protocol& protocol, const bench::Options& options) {
    if (options.idle) {
        measure_idle(protocol, options);
    } else if (options.variant == "wait") {
        ask_over<true>(protocol, options);
    } else {
        ask_over<false>(protocol, options);
    }
}

void ask(const bench::Options& options) {
    if (options.tcp) {
        ask_with(asio::ip::tcp::v4(), options);
    } else {
        ask_with(asio::local::stream_protocol(), options);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }
