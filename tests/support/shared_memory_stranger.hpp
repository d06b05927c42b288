// What tests of shared memory need: what this process has mapped, and a peer that does as a test wants.
#pragma once

#include "catch.hpp"
#include "descriptors_linux.hpp"
#include "frames.hpp"
#include "scripted_peer.hpp"

#include <communica/connectors/shared_memory.hpp>
#include <communica/connectors/shared_memory/platform.hpp>

#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

using communica::SharedMemoryConnector;
using communica::detail::MeetingHead;
using communica::detail::OwnedDescriptor;
using communica::detail::RingMemory;
using communica::detail::RingReader;
using communica::detail::RingWriter;
using communica::detail::SharedPages;
using communica::detail::WakePipe;

/// Bytes of the memory of all connections that are in use, by any process that has it mapped; or how many are mapped.
struct Mapped {
    std::size_t resident = 0;
    int count = 0;
};
inline Mapped mapped() {
    std::ifstream file("/proc/self/smaps");
    Mapped found;
    bool is_ours = false;
    for (std::string line; std::getline(file, line);) {
        if (line.find('-') < line.find(' ') && line.find(':') > line.find(' ')) {
            is_ours = line.find("memfd:communica") != line.npos;
            found.count += is_ours ? 1 : 0;
        } else if (is_ours && line.starts_with("Rss:")) {
            found.resident += std::stoul(line.substr(4)) * 1024;
        }
    }
    return found;
}

/// The other side without the library's stream: it says at the meeting, and writes into the memory, what a test wants.
class Stranger {
 public:
    Stranger(asio::io_context& context, const SharedMemoryConnector& server) : socket_(context) {
        socket_.connect(asio::local::stream_protocol::endpoint(server.address()));
        socket_.native_non_blocking(true);
    }

    void say(const std::string& bytes, const std::vector<int>& descriptors) {
        communica::detail::send_with_descriptors(socket_.native_handle(), bytes, descriptors);
    }
    /// The answer's text; empty for consent.
    asio::awaitable<std::string> answer() {
        std::optional<communica::detail::Received> received;
        while (!received) {
            co_await socket_.async_wait(asio::socket_base::wait_read, asio::use_awaitable);
            received = communica::detail::receive_with_descriptors(socket_.native_handle());
        }
        if (!received->descriptors.empty()) {
            others_ = WakePipe::open_anew(received->descriptors.front());
        }
        co_return received->bytes.starts_with(MeetingHead::signature) ? received->bytes.substr(MeetingHead::size)
                                                                      : received->bytes;
    }
    asio::awaitable<void> expect_end() {
        for (;;) {
            std::array<char, 64> bytes;
            const auto [error, count] = co_await socket_.async_read_some(asio::buffer(bytes), communica::no_throw);
            if (error) {
                co_return;
            }
        }
    }

    /// A meeting as it should be.
    asio::awaitable<void> meet(std::size_t ring_size = 64 * 1024, std::size_t max_lent = 0) {
        file = SharedPages::make_file(ring_size);
        pages.emplace(SharedPages::map(file, ring_size));
        out = pages->ring(SharedPages::Direction::to_server);
        in = pages->ring(SharedPages::Direction::to_client);
        pipe = WakePipe::make();
        say(MeetingHead{.ring_size = static_cast<std::uint32_t>(ring_size),
                        .text_size = MeetingHead::lending(max_lent, false)}
                .store(),
            {file.get(), pipe.read_end().get()});
        const std::string text = co_await answer();
        CHECK(text.empty());
    }
    /// And the hello of a client.
    asio::awaitable<void> greet(std::size_t max_lent = 0) {
        co_await meet(64 * 1024, max_lent);
        writer.emplace(out);
        write(client_hello("stranger"));
        reader.emplace(in);
        const std::string hello = co_await read();
        CHECK(hello.find("hello") != hello.npos);
    }
    /// What has come next.
    asio::awaitable<std::string> read() {
        std::string room(10'000, '\0');
        std::size_t count = 0;
        while (count == 0) {
            asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::milliseconds{1});
            co_await pause.async_wait(asio::use_awaitable);
            count = reader->read(room);
        }
        reader->release();
        room.resize(count);
        co_return room;
    }
    void write(std::string_view bytes) {
        CHECK(writer->write(bytes) == bytes.size());
        writer->publish();
        pipe.wake();
    }

    OwnedDescriptor file;
    WakePipe pipe;
    std::optional<SharedPages> pages;
    RingMemory<> out;
    RingMemory<> in;
    std::optional<RingWriter<>> writer;
    std::optional<RingReader<>> reader;

 private:
    asio::local::stream_protocol::socket socket_;
    OwnedDescriptor others_;
};

}  // namespace test
