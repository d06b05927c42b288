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

using communica::AnyConnector;
using communica::BytesSerializer;
using communica::DescriptorConnector;
using communica::Limits;
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

enum class Link { socketpair, local, tcp };

/// A server and its client, on separate contexts or on one.
class Pair {
 public:
    explicit Pair(bool on_two_threads, Link link = Link::socketpair, const Limits& limits = {}) {
        int ends[2] = {-1, -1};
        if (link == Link::socketpair && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
        const auto connector = [&](int end) -> AnyConnector {
            if (link == Link::tcp) return communica::TcpConnector("127.0.0.1", 0);
            if (link == Link::local) {
                return communica::LocalConnector("bench_streams_" + std::to_string(getpid()),
                                                 {.python_place = communica::PythonPlace::never});
            }
            return DescriptorConnector(end);
        };
        asio::io_context& at_server = on_two_threads ? other_ : context_;
        server_ = std::make_unique<Server>(at_server, connector(ends[0]), routes(),
                                           communica::ServerOptions{.limits = limits});
        bool started = false;
        asio::co_spawn(at_server, server_->start(), [&](const std::exception_ptr& e) {
            if (e) std::rethrow_exception(e);
            started = true;
        });
        while (!started)
            at_server.run_one();
        client_ = std::make_unique<Client>(
            context_, link == Link::tcp ? AnyConnector::load_state(server_->connector_state()) : connector(ends[1]),
            communica::ClientOptions{.limits = limits});
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

    using Server = communica::RouteServer<AnyConnector>;
    using Client = communica::RouteClient<AnyConnector>;

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

/// Times of requests, one at a time, in microseconds.
struct Times {
    std::vector<double> all;

    double percentile(std::size_t percent) {
        std::sort(all.begin(), all.end());
        return all.at(all.size() * percent / 100);
    }
};

/// Sends `count` requests, or as many as it can until `ended` is set.
asio::awaitable<Times> request_times(Pair::Client& client, int count, const bool& ended) {
    const Text text(64, 't');
    Times times;
    for (int number = 0; number != count && !ended; ++number) {
        const double begin = seconds();
        co_await client.request(echo, text);
        times.all.push_back(1e6 * (seconds() - begin));
    }
    co_return times;
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

/// Times of requests over a connection that has a stream of 1 GiB at the same time, and before it.
void head_of_line(const char* name, Link link, std::size_t window) {
    Limits limits;
    limits.stream_window = std::min(limits.stream_window, window);
    limits.max_stream_window = window;
    Pair pair(true, link, limits);
    pair([&](Pair::Client& client) -> asio::awaitable<void> {
        bool ended = false;
        co_await request_times(client, 1'000, ended);
        Times quiet = co_await request_times(client, 10'000, ended);
        constexpr int count = 16'384;
        const double begin = seconds();
        asio::co_spawn(
            co_await asio::this_coro::executor,
            [](Pair::Client& from, bool& end) -> asio::awaitable<void> {
                co_await read_stream(from, count, 64 * 1024);
                end = true;
            }(client, ended),
            asio::detached);
        Times beside = co_await request_times(client, 1'000'000, ended);
        const double rate = 1e-6 * count * 64 * 1024 / (seconds() - begin);
        std::printf("request over %s, p50 and p99: %.0f and %.0f us\n", name, quiet.percentile(50),
                    quiet.percentile(99));
        std::printf("  beside 1 GiB with windows of %zu KiB, %.0f MB/s: %.0f and %.0f us, %.2f and %.2f of quiet\n",
                    window / 1024, rate, beside.percentile(50), beside.percentile(99),
                    beside.percentile(50) / quiet.percentile(50), beside.percentile(99) / quiet.percentile(99));
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
    for (const std::size_t window : {Limits().max_stream_window, std::size_t{64 * 1024}, std::size_t{32 * 1024}}) {
        head_of_line("a local socket", Link::local, window);
        head_of_line("TCP", Link::tcp, window);
    }
}
