// bench: as many requests as go, and how long they take

#include "client.hpp"
#include "output.hpp"

#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {

namespace {

using Clock = std::chrono::steady_clock;

/// Times in classes that are 1/32 of their size wide, so that a second and a microsecond are told equally well.
class Histogram {
 public:
    void add(Clock::duration time) {
        const auto nanoseconds =
            static_cast<std::uint64_t>(std::max<std::int64_t>(1, std::chrono::nanoseconds(time).count()));
        ++counts_[class_of(nanoseconds)];
        ++count_;
        most_ = std::max(most_, nanoseconds);
    }
    std::uint64_t count() const noexcept { return count_; }
    /// In seconds: so long at the most took this part of all.
    double quantile(double part) const {
        auto left = static_cast<std::uint64_t>(part * static_cast<double>(count_));
        for (std::size_t index = 0; index != counts_.size(); ++index) {
            if (counts_[index] > left) {
                return static_cast<double>(std::min(top_of(index), most_)) * 1e-9;
            }
            left -= counts_[index];
        }
        return static_cast<double>(most_) * 1e-9;
    }
    /// The classes that are not empty: the largest time in seconds, and the count.
    std::vector<std::pair<double, std::uint64_t>> buckets() const {
        std::vector<std::pair<double, std::uint64_t>> filled;
        for (std::size_t index = 0; index != counts_.size(); ++index) {
            if (counts_[index] != 0) {
                filled.emplace_back(static_cast<double>(std::min(top_of(index), most_)) * 1e-9, counts_[index]);
            }
        }
        return filled;
    }

 private:
    static std::size_t class_of(std::uint64_t value) noexcept {
        const unsigned shift = value < 64 ? 0 : static_cast<unsigned>(std::bit_width(value)) - 6;
        return shift * 32 + static_cast<std::size_t>(value >> shift);
    }
    static std::uint64_t top_of(std::size_t index) noexcept {
        const std::size_t shift = index < 64 ? 0 : index / 32 - 1;
        return ((index - shift * 32 + 1) << shift) - 1;
    }

    std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(std::size_t{60} * 32);
    std::uint64_t count_ = 0;
    std::uint64_t most_ = 0;
};

double cpu_seconds() {
    ::rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const ::timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Result {
    const char* name;
    Histogram times = {};
    double seconds = 0;
    double cpu = 0;
};

// What these refer to lives in the coroutine that waits for them.
// NOLINTBEGIN(*-reference-coroutine-parameters)

asio::awaitable<void> ask_until(Client& client, const BenchOptions& options, const std::string& value,
                                Clock::time_point end, Histogram& times, std::size_t& at_work,
                                std::exception_ptr& failure) {
    try {
        while (Clock::now() < end && !failure) {
            const auto began = Clock::now();
            co_await client.request<std::string>(options.route, value);
            times.add(Clock::now() - began);
        }
    } catch (...) {
        failure = std::current_exception();
    }
    --at_work;
}

asio::awaitable<int> measure(const Common& common, const BenchOptions& options, const std::string& value,
                             Address address, Result& result) {
    const auto executor = co_await asio::this_coro::executor;
    auto client = co_await connect(common, address);
    co_await client->request<std::string>(options.route, value);  // what is made once is not measured
    std::exception_ptr failure;
    std::size_t at_work = options.depth;
    const auto began = Clock::now();
    const double cpu = cpu_seconds();
    for (std::size_t count = 0; count != options.depth; ++count) {
        asio::co_spawn(
            executor,
            ask_until(*client, options, value, began + in_seconds(options.time), result.times, at_work, failure),
            asio::detached);
    }
    asio::steady_timer timer(executor);
    while (at_work != 0) {
        timer.expires_after(std::chrono::milliseconds{1});
        co_await timer.async_wait(asio::use_awaitable);
    }
    result.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    result.cpu = cpu_seconds() - cpu;
    if (failure) {
        std::rethrow_exception(failure);
    }
    co_await client->close();
    co_return succeeded;
}

// NOLINTEND(*-reference-coroutine-parameters)

using RawSocket = asio::generic::stream_protocol::socket;

/// Two connected ends of a local socket, or of TCP over the loopback interface.
std::pair<RawSocket, RawSocket> connected_ends(asio::io_context& context, bool is_tcp) {
    if (!is_tcp) {
        asio::local::stream_protocol::socket first(context);
        asio::local::stream_protocol::socket second(context);
        asio::local::connect_pair(first, second);
        return {std::move(first), std::move(second)};
    }
    const asio::ip::tcp::endpoint loopback(asio::ip::address_v4::loopback(), 0);
    asio::ip::tcp::acceptor acceptor(context, loopback);
    asio::ip::tcp::socket first(context);
    first.connect(acceptor.local_endpoint());
    asio::ip::tcp::socket second = acceptor.accept();
    for (asio::ip::tcp::socket* const end : {&first, &second}) {
        end->set_option(asio::ip::tcp::no_delay(true));
    }
    return {std::move(first), std::move(second)};
}

/// Sends messages of one size, `depth` at a time, and waits for as many bytes for each.
class RawClient {
 public:
    RawClient(RawSocket& socket, const BenchOptions& options, std::size_t size, Histogram& times)
        : socket_(socket),
          size_(size),
          end_(Clock::now() + in_seconds(options.time)),
          times_(times),
          waiting_to_be_sent_(options.depth),
          out_(size * std::clamp<std::size_t>(max_batch / size, 1, options.depth)) {}

    void start() {
        write();
        read();
    }

 private:
    static constexpr std::size_t max_batch = std::size_t{64} * 1024;  // bytes of messages in one write

    void write() {
        const std::size_t count = std::min(waiting_to_be_sent_, out_.size() / size_);
        if (is_writing_ || count == 0) {
            return;
        }
        is_writing_ = true;
        waiting_to_be_sent_ -= count;
        sent_.insert(sent_.end(), count, Clock::now());
        asio::async_write(socket_, asio::buffer(out_.data(), count * size_),
                          [this](asio::error_code error, std::size_t) {
                              is_writing_ = false;
                              if (!error) {
                                  write();
                              }
                          });
    }

    void read() {
        socket_.async_read_some(asio::buffer(in_), [this](asio::error_code error, std::size_t count) {
            if (error) {
                return;
            }
            const auto now = Clock::now();
            for (received_ += count; received_ >= size_; received_ -= size_) {
                times_.add(now - sent_.front());
                sent_.pop_front();
                waiting_to_be_sent_ += now < end_ ? 1 : 0;
            }
            write();
            if (!sent_.empty()) {
                read();
            }
        });
    }

    RawSocket& socket_;
    const std::size_t size_;
    const Clock::time_point end_;
    Histogram& times_;
    std::size_t waiting_to_be_sent_;
    std::size_t received_ = 0;
    bool is_writing_ = false;
    std::deque<Clock::time_point> sent_;
    std::vector<char> out_;
    std::vector<char> in_ = std::vector<char>(max_batch);
};

/// Sends back what it receives, until the other end is closed.
asio::awaitable<void> echo_all(RawSocket socket) {
    std::vector<char> bytes(std::size_t{64} * 1024);
    for (;;) {
        const std::size_t count = co_await socket.async_read_some(asio::buffer(bytes), asio::use_awaitable);
        co_await asio::async_write(socket, asio::buffer(bytes.data(), count), asio::use_awaitable);
    }
}

/// So many bytes there and back between this process and one that it makes, by Asio alone: what the transport costs at
/// the least.
void measure_raw(const BenchOptions& options, bool is_tcp, std::size_t size, Result& result) {
    asio::io_context context;
    auto [own, other] = connected_ends(context, is_tcp);
    context.notify_fork(asio::io_context::fork_prepare);
    const ::pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    context.notify_fork(child == 0 ? asio::io_context::fork_child : asio::io_context::fork_parent);
    (child == 0 ? own : other).close();
    if (child == 0) {
        asio::co_spawn(context, echo_all(std::move(other)), asio::detached);
        context.run();
        ::_exit(0);
    }
    const auto began = Clock::now();
    const double cpu = cpu_seconds();
    RawClient client(own, options, std::max<std::size_t>(size, 1), result.times);
    client.start();
    context.run();
    result.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    result.cpu = cpu_seconds() - cpu;
    own.close();
    ::waitpid(child, nullptr, 0);
}

/// Whether the bytes go through TCP; else through a local socket, or through memory that a local socket hands over.
bool is_over_tcp(const std::string& address) {
    return address.starts_with("tcp:") || address.starts_with("tls:") || address.starts_with("amqp") ||
           address.find("TcpConnector") != address.npos || address.find("RABBITMQ") != address.npos;
}

void print(const Common& common, const std::vector<Result>& results) {
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const Result& result : results) {
            all.push_back({{"name", result.name},
                           {"requests", result.times.count()},
                           {"seconds", result.seconds},
                           {"cpu_seconds", result.cpu},
                           {"p50", result.times.quantile(0.5)},
                           {"p90", result.times.quantile(0.9)},
                           {"p99", result.times.quantile(0.99)},
                           {"p999", result.times.quantile(0.999)},
                           {"max", result.times.quantile(1)},
                           {"histogram", result.times.buckets()}});
        }
        std::cout << json_text(all, 2) << std::endl;
        return;
    }
    for (const Result& result : results) {
        const auto count = static_cast<double>(result.times.count());
        std::cout << padded(result.name, 24) << static_cast<std::uint64_t>(count / result.seconds) << "/s, CPU here "
                  << time_text(result.cpu / std::max(count, 1.0)) << " each\n";
        for (const auto& [name, part] :
             {std::pair{"50 %", 0.5}, {"90 %", 0.9}, {"99 %", 0.99}, {"99.9 %", 0.999}, {"100 %", 1.0}}) {
            std::cout << "  " << padded(name, 8) << time_text(result.times.quantile(part)) << '\n';
        }
    }
    std::cout << std::flush;
}

}  // namespace

int run_bench(const Common& common, const BenchOptions& options) {
    const std::size_t size = read_size(options.size);
    const std::string value = options.value ? encode(Format::json, *options.value) : '"' + std::string(size, 'x') + '"';
    std::vector<Result> results{{.name = "communica"}};
    asio::io_context context;
    run(context, measure(common, options, value, parse_address(options.address, common.access), results.front()));
    if (options.raw) {
        const bool is_tcp = is_over_tcp(options.address);
        results.push_back({.name = is_tcp ? "raw Asio, TCP" : "raw Asio, local socket"});
        measure_raw(options, is_tcp, value.size(), results.back());
    }
    print(common, results);
    return succeeded;
}

}  // namespace tool
