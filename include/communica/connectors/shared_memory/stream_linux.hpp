// An Asio stream through shared memory.
#pragma once

#include "../../asio.hpp"
#include "../../asio/descriptors.hpp"
#include "../../error.hpp"
#include "../../stream/connection.hpp"
#include "../detail/sockets_unix.hpp"
#include "../shared_memory_options.hpp"
#include "continuation.hpp"
#include "control_socket_linux.hpp"
#include "handshake_linux.hpp"
#include "lent_linux.hpp"
#include "meeting_linux.hpp"
#include "pages_linux.hpp"
#include "relax.hpp"
#include "ring.hpp"
#include "wake_linux.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/socket.h>

namespace communica::detail {

/// Two rings, a pipe that wakes this side when bytes are readable, and the socket of the handshake. A byte on the
/// socket says that there is room to write again. The end of the pipe or the socket says that the peer is gone. While
/// messages arrive as fast as they are read, no system call is made. Not thread-safe.
class SharedStream {
 public:
    enum class Side { client, server };
    using executor_type = asio::any_io_executor;
    using shutdown_type = asio::socket_base::shutdown_type;
    static constexpr shutdown_type shutdown_send = asio::socket_base::shutdown_send;
    static constexpr auto wait_read = asio::socket_base::wait_read;
    static constexpr auto wait_write = asio::socket_base::wait_write;
    /// For `stream::Reader`.
    static constexpr bool reads_in_memory = true;

    /// `lending_place`: of a server's connection; without one it lends nothing.
    SharedStream(Socket socket, Side side, const SharedMemoryOptions& options, std::shared_ptr<void> lending_place)
        : lending_place_(std::move(lending_place)),
          socket_(std::move(socket)),
          others_(socket_.get_executor()),
          side_(side),
          ring_size_(options.ring_size),
          max_ring_size_(options.max_ring_size),
          max_lent_(side == Side::client || lending_place_ ? options.max_lent : 0) {}

    executor_type get_executor() { return socket_.get_executor(); }
    std::string binding() const { return "local"; }

    /// The client shares its memory; the server maps it or refuses it with a reason.
    asio::awaitable<void> handshake() {
        if (side_ == Side::client) {
            end_.emplace(offer_memory(socket_.native_handle(), ring_size_, max_lent_));
        }
        // Repeated, because a wait may end with nothing to read.
        std::optional<Received> received;
        while (!received) {
            throw_error(co_await socket_.async_wait(wait_read, no_throw));
            received = receive_with_descriptors(socket_.native_handle());
        }
        if (side_ == Side::client) {
            take_answer(*end_, *received);
        } else {
            end_.emplace(take_offer(socket_.native_handle(), *received, max_ring_size_, max_lent_));
        }
        use();
    }

    // ---- the interface of a non-blocking socket

    static bool native_non_blocking() noexcept { return true; }
    static void non_blocking(bool) noexcept {}

    std::size_t read_some(asio::mutable_buffer room, asio::error_code& error) noexcept {
        return guarded(error, [&]() -> std::size_t {
            const std::size_t count = read_steps({static_cast<char*>(room.data()), room.size()});
            if (count == 0 && room.size() != 0) {
                error = in_->is_at_end() ? asio::error_code(asio::error::eof) : asio::error::would_block;
            }
            return count;
        });
    }

    template <class Buffers>
    std::size_t write_some(const Buffers& buffers, asio::error_code& error) noexcept {
        return guarded(error, [&]() -> std::size_t {
            const std::size_t count = write_steps(buffers);
            if (count == 0) {
                error = asio::error::would_block;
            }
            return count;
        });
    }

    // ---- the interface of an Asio stream

    template <class Token>
    auto async_read_some(asio::mutable_buffer room, Token&& token) {
        return asio::async_initiate<Token, void(asio::error_code, std::size_t)>(
            [this, room](auto handler) { this->begin_read(room, std::move(handler)); }, token);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(asio::error_code, std::size_t)>(
            [this](auto handler, const Buffers& parts) { this->begin_write(parts, std::move(handler)); }, token,
            buffers);
    }

    /// Completes when there is something to read or room to write, or nothing will come any more.
    template <class Token>
    auto async_wait(asio::socket_base::wait_type what, Token&& token) {
        return asio::async_initiate<Token, void(asio::error_code)>(
            [this, what](auto handler) {
                what == wait_read ? this->begin_wait(std::move(handler)) : this->when_writable(std::move(handler));
            },
            token);
    }

    void shutdown(shutdown_type) {
        asio::error_code error;
        shutdown(shutdown_send, error);
    }
    void shutdown(shutdown_type, asio::error_code&) {
        if (out_ && out_->close()) {
            end_->own.wake();
        }
    }

    void close(asio::error_code& error) {
        if (segments()) {
            segments()->close();
        }
        asio::error_code ignored;
        others_.close(ignored);
        socket_.close(error);
        if (end_) {
            end_->own = WakePipe();  // its end tells the peer, which still reads what was written
        }
    }

    // ---- additions to the interface of a socket

    static bool passes_descriptors() noexcept { return true; }
    bool expects_descriptors() const noexcept { return socket_.expects_descriptors(); }
    bool expect_descriptors() { return socket_.expect_descriptors(); }
    std::shared_ptr<base::Attachments> take_descriptors(std::size_t count,
                                                        const std::shared_ptr<base::AttachmentShare>& share) {
        return socket_.take_descriptors(count, share);
    }
    std::size_t write_with(asio::mutable_buffer frame, const base::Attachments& list,
                           asio::error_code& error) noexcept {
        socket_.send_before(frame, list);
        const std::size_t count = write_some(asio::const_buffer(frame), error);
        if (count != 0) {
            socket_.frame_is_written();
        }
        return count;
    }

    /// Polls for readable bytes for `time`, without a system call. Returns whether there are any, or an error to read.
    bool poll(std::chrono::steady_clock::duration time) noexcept {
        asio::error_code corrupt;
        const auto end = std::chrono::steady_clock::now() + time;
        const std::size_t readable = guarded(corrupt, [&]() -> std::size_t {
            do {
                for (int looks = 0; looks != 64; ++looks) {
                    if (in_->has_bytes()) {
                        return 1;
                    }
                    relax();
                }
            } while (std::chrono::steady_clock::now() < end);
            return 0;
        });
        return readable != 0 || corrupt;
    }

    /// Frees ring memory that is not used any more.
    void give_back_memory() noexcept {
        asio::error_code corrupt;  // the next write reports it
        guarded(corrupt, [&]() -> std::size_t {
            const std::size_t used = out_->take_unused();
            end_->pages.give_back(direction_out(), used);
            if (segments()) {
                segments()->retire_idle();
            }
            return used;
        });
    }

    // ---- lent memory

    /// Null if either side maps none.
    const std::shared_ptr<LentSegments>& segments() const noexcept { return socket_.segments(); }

    /// The segments, with this one if it was announced: its descriptor was sent before any frame that refers to it.
    LentSegments& segments_with(std::uint32_t number) { return socket_.segments_with(number); }

 private:
    /// Bytes copied before the peer may read them or write over them.
    static constexpr std::size_t step = 128 * 1024;
    /// More wake-ups in a row without bytes are a protocol error.
    static constexpr int most_idle_wakes = 1'000;

    // ---- the handshake

    SharedPages::Direction direction_out() const noexcept {
        return side_ == Side::client ? SharedPages::Direction::to_server : SharedPages::Direction::to_client;
    }
    SharedPages::Direction direction_in() const noexcept {
        return side_ == Side::client ? SharedPages::Direction::to_client : SharedPages::Direction::to_server;
    }

    void use() {
        out_.emplace(end_->pages.ring(direction_out()));
        in_.emplace(end_->pages.ring(direction_in()));
        others_.assign(end_->others.get());
        end_->others.release();
        if (max_lent_ != 0 && end_->max_lent != 0) {
            socket_.use(std::make_shared<LentSegments>(socket_.native_handle(), side_ == Side::client,
                                                       std::min(max_lent_, end_->max_lent), max_lent_));
        }
    }

    // ---- reading and writing

    /// Turns exceptions for invalid shared memory into errors. Before the handshake: `not_connected`.
    template <class Step>
    std::size_t guarded(asio::error_code& error, Step function) noexcept {
        error = {};
        try {
            if (!others_.is_open()) {
                error = asio::error::not_connected;
                return 0;
            }
            return function();
        } catch (const std::system_error& e) {
            error = e.code();
        } catch (const std::bad_alloc&) {
            error = asio::error::no_memory;
        }
        return 0;
    }

    std::size_t read_steps(std::span<char> room) {
        std::size_t count = 0;
        for (;;) {
            const std::size_t wanted = std::min(room.size() - count, step);
            const std::size_t more = in_->read(room.subspan(count, wanted));
            if (more != 0) {
                idle_wakes_ = 0;
                if (in_->release()) {
                    socket_.say_room();
                }
            }
            count += more;
            if (more != wanted || wanted == 0) {
                return count;
            }
        }
    }

    template <class Buffers>
    std::size_t write_steps(const Buffers& buffers) {
        std::size_t count = 0;
        std::size_t unpublished = 0;
        for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
            const asio::const_buffer part(*at);
            std::string_view rest(static_cast<const char*>(part.data()), part.size());
            while (!rest.empty()) {
                const std::string_view wanted = rest.substr(0, step - unpublished);
                const std::size_t more = out_->write(wanted);
                rest.remove_prefix(more);
                count += more;
                unpublished += more;
                if (unpublished == step || more != wanted.size()) {
                    publish();
                    unpublished = 0;
                }
                if (more != wanted.size()) {
                    return count;
                }
            }
        }
        if (unpublished != 0) {
            publish();
        }
        return count;
    }
    void publish() {
        if (out_->publish()) {
            end_->own.wake();
        }
    }

    template <class Handler>
    void begin_read(asio::mutable_buffer room, Handler handler) {
        asio::error_code error;
        const std::size_t count = read_some(room, error);
        if (error != asio::error::would_block) {
            return complete_later(get_executor(), std::move(handler), error, count);
        }
        when_readable(std::move(handler), [this, room](asio::error_code waited, Handler&& to_call) {
            asio::error_code read_error = waited;
            const std::size_t read = waited == asio::error::operation_aborted ? 0 : read_some(room, read_error);
            if (read_error != asio::error::would_block) {
                return to_call(read_error, read);
            }
            waited ? to_call(waited, 0) : begin_read(room, std::move(to_call));
        });
    }

    template <class Handler>
    void begin_wait(Handler handler) {
        when_readable(std::move(handler), [](asio::error_code error, Handler&& to_call) {
            std::move(to_call)(error == asio::error::operation_aborted ? error : asio::error_code());
        });
    }

    /// Calls `then(error, handler)`. With an error, the peer is gone or this side closed; bytes may still be readable.
    template <class Handler, class Then>
    void when_readable(Handler handler, Then then) {
        Continuation<Handler, Then> continuation{std::move(handler), std::move(then)};
        asio::error_code corrupt;
        bool has_to_wait = true;
        guarded(corrupt, [&]() -> std::size_t { return (has_to_wait = in_->has_to_wait()) ? 1 : 0; });
        if (corrupt || ++idle_wakes_ > most_idle_wakes) {
            return complete_later(get_executor(), std::move(continuation),
                                  corrupt ? corrupt : asio::error_code(errc::protocol_error));
        }
        has_to_wait ? others_.async_read_some(asio::buffer(wakes_), std::move(continuation))
                    : complete_later(get_executor(), std::move(continuation), asio::error_code());
    }

    template <class Buffers, class Handler>
    void begin_write(const Buffers& buffers, Handler handler) {
        asio::error_code error;
        const std::size_t count = write_some(buffers, error);
        if (error != asio::error::would_block || asio::buffer_size(buffers) == 0) {
            return complete_later(get_executor(), std::move(handler), count != 0 ? asio::error_code() : error, count);
        }
        auto then = [this, buffers](asio::error_code waited, Handler&& to_call) {
            waited ? to_call(waited, 0) : begin_write(buffers, std::move(to_call));
        };
        when_writable(Continuation<Handler, decltype(then)>{std::move(handler), std::move(then)});
    }

    /// Calls `handler(error)` when there may be room. An error says that the peer is gone or this side closed.
    template <class Handler>
    void when_writable(Handler handler) {
        asio::error_code error;
        bool has_to_wait = false;
        guarded(error, [&]() -> std::size_t { return (has_to_wait = out_->has_to_wait()) ? 1 : 0; });
        auto then = [this](asio::error_code waited, Handler&& to_call) {
            if (!waited || (waited == asio::error::operation_aborted && socket_.is_open())) {
                guarded(waited, [this]() -> std::size_t { return socket_.receive() ? 1 : 0; });
            }
            std::move(to_call)(waited);
        };
        Continuation<Handler, decltype(then)> continuation{std::move(handler), std::move(then)};
        has_to_wait ? socket_.async_wait(wait_read, std::move(continuation))
                    : complete_later(get_executor(), std::move(continuation), error);
    }

    std::shared_ptr<void> lending_place_;
    ControlSocket socket_;
    asio::posix::stream_descriptor others_;  // wakes this side
    const Side side_;
    const std::size_t ring_size_;
    const std::size_t max_ring_size_;
    const std::size_t max_lent_;
    std::optional<SharedEnd> end_;
    std::optional<RingWriter<>> out_;
    std::optional<RingReader<>> in_;
    std::array<char, 64> wakes_;
    int idle_wakes_ = 0;  // since the last bytes were read
};

}  // namespace communica::detail
