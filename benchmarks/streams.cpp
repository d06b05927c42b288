// The cost of streams, compared to raw Asio coroutines that write and read the same frames. Prints one line per figure.
//
//     bench_streams [SCALE]     SCALE multiplies the amount of data, 1 by default
#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using communica::BytesSerializer;
using communica::DescriptorConnector;
using communica::Route;
using communica::Stream;
using Text = std::string;
using Socket = asio::local::stream_protocol::socket;

constexpr Route<Stream<Text>(Text), BytesSerializer> items{"items"};
constexpr Route<Stream<Text>(Text), BytesSerializer> idle{"idle"};
constexpr Route<Text(Text), BytesSerializer> echo{"echo"};

double cpu_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void run(asio::io_context& context, asio::awaitable<void> coroutine) {
    asio::co_spawn(context, std::move(coroutine), [](const std::exception_ptr& e) {
        if (e) std::rethrow_exception(e);
    });
}

// ---- raw Asio

asio::awaitable<void> write_frames(Socket& socket, int count, std::size_t size) {
    const Text item(size, 'i');
    for (int number = 0; number != count; ++number) {
        const std::uint32_t length = static_cast<std::uint32_t>(size);
        const std::array<asio::const_buffer, 2> frame{asio::buffer(&length, sizeof length), asio::buffer(item)};
        co_await asio::async_write(socket, frame, asio::use_awaitable);
    }
}

asio::awaitable<void> read_frames(Socket& socket, int count) {
    Text item;
    for (int number = 0; number != count; ++number) {
        std::uint32_t length = 0;
        co_await asio::async_read(socket, asio::buffer(&length, sizeof length), asio::use_awaitable);
        item.resize(length);
        co_await asio::async_read(socket, asio::buffer(item), asio::use_awaitable);
    }
}

/// Returns the CPU time per item, in nanoseconds.
double raw_asio(int count, std::size_t size) {
    asio::io_context context(1);
    Socket one(context);
    Socket other(context);
    asio::local::connect_pair(one, other);
    const double begin = cpu_seconds();
    run(context, write_frames(one, count, size));
    run(context, read_frames(other, count));
    context.run();
    return 1e9 * (cpu_seconds() - begin) / count;
}

/// Returns the throughput in MB/s.
double blocking(int count, std::size_t size) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
    const double begin = seconds();
    std::thread writer([&] {
        const Text item(size, 'i');
        for (int number = 0; number != count; ++number) {
            for (std::size_t at = 0; at != size;)
                at += static_cast<std::size_t>(write(ends[0], item.data() + at, size - at));
        }
    });
    Text item(size, '\0');
    for (int number = 0; number != count; ++number) {
        for (std::size_t at = 0; at != size;)
            at += static_cast<std::size_t>(read(ends[1], item.data() + at, size - at));
    }
    writer.join();
    const double rate = 1e-6 * static_cast<double>(size) * count / (seconds() - begin);
    close(ends[0]);
    close(ends[1]);
    return rate;
}

// ---- streams

int count_of(const Text& text) { return std::atoi(text.c_str()); }
std::size_t size_of(const Text& text) { return static_cast<std::size_t>(std::atoll(text.c_str() + text.find(' '))); }

communica::RouteTable<> routes() {
    communica::RouteTable<> table;
    table.add(items, [](Text what) -> Stream<Text> {
        const Text item(size_of(what), 'i');
        for (int number = count_of(what); number != 0; --number)
            co_yield item;
    });
    table.add(idle, [](Text) -> Stream<Text> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    table.add(echo, [](Text text) { return text; });
    return table;
}

/// A server and its client at the ends of a socketpair, on separate contexts or on one.
class Pair {
 public:
    explicit Pair(bool on_two_threads) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
        asio::io_context& at_server = on_two_threads ? other_ : context_;
        server_ = std::make_unique<Server>(at_server, DescriptorConnector(ends[0]), routes());
        client_ = std::make_unique<Client>(context_, DescriptorConnector(ends[1]));
        run(at_server, server_->start());
        if (on_two_threads) thread_ = std::thread([this] { other_.run(); });
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        run(context_, client_->close());
        context_.restart();
        context_.run();
        other_.stop();
        if (thread_.joinable()) thread_.join();
    }

    template <class Body>
    void operator()(Body body) {
        bool done = false;
        const auto whole = [&]() -> asio::awaitable<void> {
            co_await client_->wait_connected();
            co_await body(*client_);
            done = true;
        };
        client_->start();
        run(context_, whole());
        context_.restart();
        while (!done)
            context_.run_one();
    }

    using Server = communica::RouteServer<DescriptorConnector>;
    using Client = communica::RouteClient<DescriptorConnector>;

 private:
    asio::io_context context_;
    asio::io_context other_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<Client> client_;
    std::thread thread_;
};

asio::awaitable<void> read_stream(Pair::Client& client, int count, std::size_t size) {
    const Text what = std::to_string(count) + " " + std::to_string(size);
    auto stream = co_await client.open(items, what);
    while (co_await stream.next()) {
    }
}

double stream_cpu(int count, std::size_t size) {
    double result = 0;
    Pair pair(false);
    pair([&](Pair::Client& client) -> asio::awaitable<void> {
        const double begin = cpu_seconds();
        co_await read_stream(client, count, size);
        result = 1e9 * (cpu_seconds() - begin) / count;
    });
    return result;
}

double stream_rate(int count, std::size_t size) {
    double result = 0;
    Pair pair(true);
    pair([&](Pair::Client& client) -> asio::awaitable<void> {
        const double begin = seconds();
        co_await read_stream(client, count, size);
        result = 1e-6 * static_cast<double>(size) * count / (seconds() - begin);
    });
    return result;
}

asio::awaitable<double> request_cpu(Pair::Client& client, int count) {
    const Text text(64, 't');
    const double begin = cpu_seconds();
    for (int number = 0; number != count; ++number)
        co_await client.request(echo, text);
    co_return 1e9 * (cpu_seconds() - begin) / count;
}

asio::awaitable<double> request_p99(Pair::Client& client, int count) {
    const Text text(64, 't');
    std::vector<double> times;
    for (int number = 0; number != count; ++number) {
        const double begin = seconds();
        co_await client.request(echo, text);
        times.push_back(1e6 * (seconds() - begin));
    }
    std::sort(times.begin(), times.end());
    co_return times[times.size() * 99 / 100];
}

void idle_streams(int count, int requests) {
    Pair pair(false);
    pair([&](Pair::Client& client) -> asio::awaitable<void> {
        co_await request_cpu(client, requests / 10);
        const double quiet = co_await request_cpu(client, requests);
        const std::size_t before = mallinfo2().uordblks;
        std::vector<Stream<Text>> open;
        open.reserve(static_cast<std::size_t>(count));
        for (int number = 0; number != count; ++number) {
            const Text what;
            open.push_back(co_await client.open(idle, what));
        }
        const std::size_t held = mallinfo2().uordblks - before - open.capacity() * sizeof(Stream<Text>);
        const double beside = co_await request_cpu(client, requests);
        std::printf("idle stream, both sides with the handler's coroutines: %zu bytes\n",
                    held / static_cast<std::size_t>(count));
        std::printf("request beside %d idle streams: %.0f ns, %.2f of quiet\n", count, beside, beside / quiet);
    });
}

void head_of_line(int requests) {
    Pair pair(true);
    pair([&](Pair::Client& client) -> asio::awaitable<void> {
        co_await request_p99(client, requests / 10);
        const double quiet = co_await request_p99(client, requests);
        const Text what = "2000000000 65536";
        auto stream = co_await client.open(items, what);
        bool reads = true;
        bool ended = false;
        asio::co_spawn(
            co_await asio::this_coro::executor,
            [](Stream<Text>& s, bool& on, bool& end) -> asio::awaitable<void> {
                while (on)
                    co_await s.next();
                end = true;
            }(stream, reads, ended),
            asio::detached);
        const double beside = co_await request_p99(client, requests);
        reads = false;
        while (!ended)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        std::printf("request beside a stream of 64 KiB items, p99: %.0f us, %.2f of quiet\n", beside, beside / quiet);
    });
}

}  // namespace

int main(int argc, char** argv) {
    const int scale = argc > 1 ? std::atoi(argv[1]) : 1;
    for (int round = 0; round != 3; ++round) {
        const double asio_item = raw_asio(100'000 * scale, 64);
        const double item = stream_cpu(300'000 * scale, 64);
        std::printf("64 B items: %.0f ns of CPU each, raw Asio %.0f: %.2f of it\n", item, asio_item, item / asio_item);
        const double socket_rate = blocking(10'000 * scale, 64 * 1024);
        const double rate = stream_rate(10'000 * scale, 64 * 1024);
        std::printf("64 KiB items: %.0f MB/s, blocking sockets %.0f: %.2f of it\n", rate, socket_rate,
                    rate / socket_rate);
    }
    idle_streams(10'000, 20'000 * scale);
    head_of_line(5'000 * scale);
}
