// Streams that tests hold themselves, on Windows.
#pragma once

#include "support/catch.hpp"

#include <communica/asio.hpp>
#include <communica/connectors/detail/local_windows.hpp>
#include <communica/connectors/local.hpp>

#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/tcp.hpp>

#include <atomic>
#include <string>
#include <utility>
#include <variant>

namespace test {

using communica::detail::OwnedHandle;
using communica::detail::Pipe;

/// Does the system know whose the ends of a `stream_pair` are?
inline constexpr bool descriptors_have_credentials = false;

/// Two ends of one stream, for a `DescriptorConnector` each.
inline std::pair<int, int> stream_pair() {
    static std::atomic<unsigned> number = 0;
    const std::string name =
        "\\\\.\\pipe\\communica-test.pair." + std::to_string(::GetCurrentProcessId()) + "." + std::to_string(++number);
    constexpr ::DWORD buffer = 64 * 1024;
    OwnedHandle one(::CreateNamedPipeA(name.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                                       PIPE_TYPE_BYTE | PIPE_WAIT, 1, buffer, buffer, 0, nullptr));
    OwnedHandle other(::CreateFileA(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                    FILE_FLAG_OVERLAPPED, nullptr));
    if (!one || !other) {
        communica::detail::throw_system(::GetLastError(), name);
    }
    const auto number_of = [](OwnedHandle& handle) {
        return static_cast<int>(reinterpret_cast<std::intptr_t>(handle.release()));
    };
    const int first = number_of(one);
    return {first, number_of(other)};
}

/// Of a test's child: what `Process` has given it.
inline Pipe standard_input(const asio::any_io_executor& executor) {
    return Pipe(executor, OwnedHandle(::GetStdHandle(STD_INPUT_HANDLE)));
}

/// Two ends of one stream, of Asio's own, which hold little that was not read.
using PairSocket = asio::ip::tcp::socket;
inline void connect_pair(PairSocket& one, PairSocket& other) {
    const asio::socket_base::receive_buffer_size receive_buffer(16 * 1024);
    const asio::socket_base::send_buffer_size send_buffer(16 * 1024);
    asio::ip::tcp::acceptor acceptor(one.get_executor(), asio::ip::tcp::v4());
    acceptor.set_option(receive_buffer);  // what it accepts has it too
    acceptor.set_option(send_buffer);
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen();
    one.open(asio::ip::tcp::v4());
    one.set_option(receive_buffer);
    one.set_option(send_buffer);
    one.connect(acceptor.local_endpoint());
    acceptor.accept(other);
}

/// Either kind of stream that a script can speak over.
class ScriptStream {
 public:
    using Socket = asio::generic::stream_protocol::socket;
    using executor_type = asio::any_io_executor;

    explicit ScriptStream(const executor_type& executor) : stream_(Socket(executor)) {}
    ScriptStream(Pipe pipe) : stream_(std::move(pipe)) {}
    ScriptStream(asio::ip::tcp::socket socket) : stream_(Socket(std::move(socket))) {}

    executor_type get_executor() {
        return std::visit([](auto& stream) -> executor_type { return stream.get_executor(); }, stream_);
    }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return std::visit([&](auto& stream) { return stream.async_read_some(buffers, std::forward<Token>(token)); },
                          stream_);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return std::visit([&](auto& stream) { return stream.async_write_some(buffers, std::forward<Token>(token)); },
                          stream_);
    }
    template <class Endpoint, class Token>
    auto async_connect(const Endpoint& endpoint, Token&& token) {
        return std::get<Socket>(stream_).async_connect(endpoint, std::forward<Token>(token));
    }
    void set_option(const auto& option) { std::get<Socket>(stream_).set_option(option); }
    void close() {
        asio::error_code ignored;
        if (auto* socket = std::get_if<Socket>(&stream_)) {
            socket->cancel(ignored);  // Wine tries on for a while what waits when its socket closes
        }
        std::visit([&](auto& stream) { stream.close(ignored); }, stream_);
    }
    /// A pipe can't end one direction alone.
    void end() {
        if (auto* socket = std::get_if<Socket>(&stream_)) {
            socket->shutdown(asio::socket_base::shutdown_send);
        } else {
            close();
        }
    }

 private:
    std::variant<Socket, Pipe> stream_;
};

inline asio::awaitable<ScriptStream> connect_script(communica::LocalConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    OwnedHandle handle = co_await communica::detail::open_pipe(connector.address(), executor);
    co_return ScriptStream(Pipe(executor, std::move(handle)));
}

/// Says that a test needs what local streams have not here.
inline bool skip_without_half_close() {
    WARN("skipped: a pipe can't end one direction alone");
    return true;
}

inline bool skip_without_available() {
    WARN("skipped: a pipe does not tell how many bytes have arrived");
    return true;
}

inline constexpr bool local_streams_end_one_way = false;

inline void end_script(ScriptStream& stream) { stream.end(); }

/// Accepts as a server behind this connector would.
class ScriptAcceptor {
 public:
    ScriptAcceptor(asio::io_context& context, const communica::LocalConnector& connector)
        : acceptor_(communica::detail::LocalAddress(connector.name(), connector.options()).place(),
                    context.get_executor(), true),
          changed_(context, asio::steady_timer::time_point::max()) {}
    ~ScriptAcceptor() { acceptor_.close(); }

    asio::awaitable<ScriptStream> accept() {
        for (;;) {
            if (auto pipe = acceptor_.take()) {
                co_return ScriptStream(*std::move(pipe));
            }
            const auto ready = std::make_shared<bool>(false);
            acceptor_.async_wait(changed_.get_executor(), [this, ready] {
                *ready = true;
                changed_.cancel();
            });
            co_await changed_.async_wait(communica::no_throw);
            if (!*ready) {  // not awaited any more
                acceptor_.close();
                throw std::system_error(make_error_code(asio::error::operation_aborted));
            }
        }
    }

 private:
    communica::detail::PipeAcceptor acceptor_;
    asio::steady_timer changed_;
};

}  // namespace test
