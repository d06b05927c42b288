// bench: as many requests as go, and how long they take

#include "client.hpp"
#include "output.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
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

/// So many bytes there and back, as many times as go, between this process and one that it makes: blocking reads and writes of a
/// socketpair, which is what a local socket costs at the least.
void measure_raw(const BenchOptions& options, std::size_t size, Result& result) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    const auto exchange = [](int end, std::vector<char>& bytes, bool writes) {
        for (std::size_t done = 0; done != bytes.size();) {
            const auto count = writes ? ::write(end, bytes.data() + done, bytes.size() - done)
                                      : ::read(end, bytes.data() + done, bytes.size() - done);
            if (count <= 0) {
                return false;
            }
            done += static_cast<std::size_t>(count);
        }
        return true;
    };
    std::vector<char> bytes(std::max<std::size_t>(size, 1));
    const ::pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    ::close(ends[child == 0 ? 0 : 1]);
    if (child == 0) {
        while (exchange(ends[1], bytes, false) && exchange(ends[1], bytes, true)) {
        }
        ::_exit(0);
    }
    const auto began = Clock::now();
    const double cpu = cpu_seconds();
    const auto end = began + in_seconds(options.time);
    for (auto now = began; now < end;) {
        exchange(ends[0], bytes, true);
        exchange(ends[0], bytes, false);
        const auto next = Clock::now();
        result.times.add(next - now);
        now = next;
    }
    result.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    result.cpu = cpu_seconds() - cpu;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
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
                           {"max", result.times.quantile(1)}});
        }
        std::cout << json_text(all, 2) << std::endl;
        return;
    }
    for (const Result& result : results) {
        const auto count = static_cast<double>(result.times.count());
        std::cout << padded(result.name, 22) << static_cast<std::uint64_t>(count / result.seconds) << "/s, CPU here "
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
        results.push_back({.name = "a blocking socketpair"});
        measure_raw(options, value.size(), results.back());
    }
    print(common, results);
    return succeeded;
}

}  // namespace tool
