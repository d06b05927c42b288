// Shared by the benchmark programs: their options, and the measurement of a client and its server.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench {

/// The options of `bench_NAME server|client [--option=value ...]`. run.py passes the same ones to both.
struct Options {
    bool server = false;
    bool tcp = false;
    bool shared_memory = false;
    std::string address = {};  ///< a socket file's path, or a port of 127.0.0.1
    std::string variant = {};  ///< one of the program's variants
    std::size_t size = 64;     ///< bytes of a payload
    int depth = 1;             ///< requests in flight on each connection
    int clients = 1;           ///< connections
    int threads = 1;           ///< threads of the server
    double seconds = 1;        ///< duration of the measurement
    int server_pid = 0;        ///< process whose CPU time and memory are measured, too
    int busy_poll_us = 0;      ///< microseconds to poll for the next message
    bool idle = false;         ///< measure the memory of `clients` connections, not requests

    int port() const { return std::stoi(address); }
};

inline Options parse_options(int argc, char** argv) {
    Options options;
    if (argc < 2) {
        throw std::invalid_argument("server or client?");
    }
    options.server = std::string_view(argv[1]) == "server";
    for (int i = 2; i < argc; ++i) {
        const std::string argument = argv[i];
        const auto equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const std::string value = equals == argument.npos ? "" : argument.substr(equals + 1);
        if (name == "--transport")
            options.tcp = value == "tcp", options.shared_memory = value == "shared_memory";
        else if (name == "--address")
            options.address = value;
        else if (name == "--variant")
            options.variant = value;
        else if (name == "--size")
            options.size = std::stoul(value);
        else if (name == "--depth")
            options.depth = std::stoi(value);
        else if (name == "--clients")
            options.clients = std::stoi(value);
        else if (name == "--threads")
            options.threads = std::stoi(value);
        else if (name == "--seconds")
            options.seconds = std::stod(value);
        else if (name == "--server-pid")
            options.server_pid = std::stoi(value);
        else if (name == "--spin-us")
            options.busy_poll_us = std::stoi(value);
        else if (name == "--idle")
            options.idle = true;
        else
            throw std::invalid_argument("unknown option " + name);
    }
    return options;
}

/// Prints a line by the server. run.py then starts the client.
inline void say_ready() {
    std::puts("READY");
    std::fflush(stdout);
}

// ---- time ----------------------------------------------------------------------------------------------------------

/// Ticks of the cheapest clock. Reading it must not affect a request that takes a third of a microsecond.
using Ticks = std::uint64_t;

inline Ticks ticks() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<Ticks>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

inline double ticks_per_second() {
    static const double rate = [] {
        using Clock = std::chrono::steady_clock;
        const auto begin = Clock::now();
        const Ticks first = ticks();
        while (Clock::now() - begin < std::chrono::milliseconds{20}) {
        }
        const double passed = static_cast<double>(ticks() - first);
        return passed / std::chrono::duration<double>(Clock::now() - begin).count();
    }();
    return rate;
}

/// The CPU time of all threads of a process, in seconds.
inline double cpu_seconds(int pid) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
        throw std::runtime_error("the CPU time of process " + std::to_string(pid) + " can't be read");
    }
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

inline double cpu_seconds_of_thread() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Uses 100 us of CPU time: the work of a handler in the cases with several threads.
inline void work_for_100_us() {
    const double end = cpu_seconds_of_thread() + 100e-6;
    while (cpu_seconds_of_thread() < end) {
    }
}

/// Returns a value of /proc/PID/status, in kB.
inline long memory_kb(int pid, std::string_view name) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, name.size(), name) == 0 && line[name.size()] == ':') {
            return std::stol(line.substr(name.size() + 1));
        }
    }
    return -1;
}

/// Durations in ticks, with a resolution of 1/64 of their size.
class Histogram {
 public:
    void add(Ticks value) {
        ++counts_[place(value)];
        ++total_;
    }
    std::uint64_t total() const { return total_; }

    double quantile(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i != counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) {
                return value_at(i);
            }
        }
        return 0;
    }

 private:
    static constexpr unsigned bits = 6;

    static std::size_t place(Ticks value) {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        if (width <= bits) {
            return value;
        }
        const unsigned shift = width - bits - 1;
        return ((std::size_t{shift} + 1) << bits) + ((value >> shift) & ((1U << bits) - 1));
    }
    static double value_at(std::size_t place) {
        if (place < 1U << bits) {
            return static_cast<double>(place);
        }
        const std::size_t shift = (place >> bits) - 1;
        return static_cast<double>(((place & ((1U << bits) - 1)) | 1U << bits) << shift);
    }

    std::array<std::uint64_t, 64 * 64> counts_{};
    std::uint64_t total_ = 0;
};

// ---- measuring -----------------------------------------------------------------------------------------------------

/// Measures requests after a warm-up. At the end of the time it prints the results as a line of JSON and ends the
/// process, so that closing the connections is not measured. Not thread-safe.
class Meter {
 public:
    explicit Meter(const Options& options)
        : options_(options), warm_until_(ticks() + in_ticks(std::min(0.25, options.seconds / 3))) {}

    /// Records a request that started at `begin` and has ended. Returns the time, which is the start of the next one.
    Ticks lap(Ticks begin) {
        const Ticks now = ticks();
        if (measuring_) {
            latencies_.add(now - begin);
            if (now > end_) {
                report();
            }
        } else if (now > warm_until_) {
            measuring_ = true;
            first_ = Usage(options_.server_pid);
            end_ = ticks() + in_ticks(options_.seconds);
        }
        return now;
    }

 private:
    struct Usage {
        Usage() = default;
        explicit Usage(int server_pid)
            : at(std::chrono::steady_clock::now()), client(cpu_seconds(getpid())), server(cpu_seconds(server_pid)) {}
        std::chrono::steady_clock::time_point at{};
        double client = 0;
        double server = 0;
    };

    static Ticks in_ticks(double seconds) { return static_cast<Ticks>(seconds * ticks_per_second()); }

    [[noreturn]] void report() const {
        const Usage last(options_.server_pid);
        const double count = static_cast<double>(latencies_.total());
        const double seconds = std::chrono::duration<double>(last.at - first_.at).count();
        const auto each = [count](double total) { return total / count * 1e6; };
        const auto latency = [this](double share) { return latencies_.quantile(share) / ticks_per_second() * 1e6; };
        std::printf(
            "{\"requests\": %.0f, \"seconds\": %.4f, \"per_second\": %.1f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
            "\"cpu_us\": %.4f, \"client_cpu_us\": %.4f, \"server_cpu_us\": %.4f, \"mb_per_second\": %.2f, "
            "\"server_peak_kb\": %ld}\n",
            count, seconds, count / seconds, latency(0.5), latency(0.99),
            each(last.client - first_.client + last.server - first_.server), each(last.client - first_.client),
            each(last.server - first_.server), count / seconds * static_cast<double>(options_.size) / 1e6,
            memory_kb(options_.server_pid, "VmHWM"));
        std::fflush(stdout);
        std::_Exit(0);
    }

    const Options& options_;
    Histogram latencies_;
    Ticks warm_until_;
    Ticks end_ = 0;
    bool measuring_ = false;
    Usage first_;
};

/// Measures the memory of a server for `clients` connections, each of which has carried one request. Construct it after
/// the first connection has, so that one-time allocations do not count.
class IdleMeter {
 public:
    explicit IdleMeter(const Options& options) : options_(options), before_(memory_kb(options.server_pid, "RssAnon")) {}

    [[noreturn]] void report() const {
        const long after = memory_kb(options_.server_pid, "RssAnon");
        std::printf("{\"connections\": %d, \"idle_kb\": %.3f}\n", options_.clients,
                    static_cast<double>(after - before_) / options_.clients);
        std::fflush(stdout);
        std::_Exit(0);
    }

 private:
    const Options& options_;
    long before_;
};

/// Prints an error and ends the process.
[[noreturn]] inline void fail(std::string_view what) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
    std::_Exit(1);
}

/// The `main` of every program. Prints exceptions.
template <class Serve, class Ask>
int run(int argc, char** argv, Serve serve, Ask ask) try {
    const Options options = parse_options(argc, argv);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // ends this process when run.py is interrupted
    ::rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (options.server) {
        serve(options);
    } else {
        ask(options);
    }
    return 0;
} catch (const std::exception& error) {
    fail(error.what());
}

}  // namespace bench
