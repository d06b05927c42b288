// starving SCENARIO TRANSPORT STRIDE: runs a scenario once for each of its allocations, or for every STRIDE-th, in which that
// one fails, each in a process of its own. Says what went wrong, and at the end what was tried.
//
// Not made to fail is what Asio (1.22.1) loses for good, or ends the program for: see `asios`.
#include "support/temporary_directory.hpp"

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- allocations -------------------------------------------------------------------------------------------------------

namespace {

long live = 0;        ///< blocks that were allocated and not freed
bool counts = false;  ///< between the beginning and the end of what is tried
long counted = 0;
long failing = 0;  ///< the one that fails
bool has_failed = false;
constexpr int most_frames = 60;
void* frames[most_frames];
int frame_count = 0;

/// Where Asio (1.22.1) can't do without memory, by a part of a function's name, mangled: a strand stays locked for ever when its
/// turn can't be allocated; what is awaited is begun, and a coroutine spawned, where an exception ends the program; and the handler
/// of an operation is lost that can't be handed to its executor, of `co_spawn` too. Destroying a coroutine that waits posts, in a
/// destructor.
constexpr const char* asios[] = {"strand_executor_service", "do_init",      "cancellation_state",
                                 "initiate_dispatch",       "handler_work", "co_spawn_entry_point"};
constexpr std::size_t asio_places = std::size(asios);
std::size_t place = asio_places;  ///< in Asio, of the one that was to fail

/// Where in Asio this is allocated, if it is in one of these places.
std::size_t place_in_asio() {
    for (int number = 0; number != frame_count; ++number) {
        ::Dl_info info{};
        const bool is_named = ::dladdr(frames[number], &info) != 0 && info.dli_sname != nullptr;
        const std::string_view name = is_named ? info.dli_sname : "";
        for (std::size_t index = 0; index != asio_places; ++index) {
            if (name.find("4asio") != name.npos && name.find(asios[index]) != name.npos) {
                return index;
            }
        }
        if (name.starts_with("_ZN9communica") || name.starts_with("_ZNK9communica") ||
            name.starts_with("_ZZN9communica") || name.starts_with("_ZZNK9communica") ||
            (name.find("awaitable_frame_base") != name.npos && name.find("resume") != name.npos)) {
            break;  // ours, or a coroutine
        }
    }
    return asio_places;
}

bool fails_now() {
    if (!counts || ++counted != failing) {
        return false;
    }
    counts = false;
    frame_count = ::backtrace(frames, most_frames);
    place = place_in_asio();
    has_failed = place == asio_places;
    return has_failed;
}

void* allocate(std::size_t size, std::size_t alignment) {
    if (fails_now()) {
        return nullptr;
    }
    void* memory = nullptr;
    if (::posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<std::size_t>(size, 1)) != 0) {
        return nullptr;
    }
    ++live;
    return memory;
}

void release(void* memory) {
    live -= memory != nullptr ? 1 : 0;
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    if (void* const memory = allocate(size, alignof(std::max_align_t))) {
        return memory;
    }
    throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    if (void* const memory = allocate(size, static_cast<std::size_t>(alignment))) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
/// Asio takes the memory of its operations and coroutines from here, and gives it back by `free`.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    void* memory = nullptr;
    return fails_now() || ::posix_memalign(&memory, alignment, size) != 0 ? nullptr : memory;
}

// ---- what is tried -----------------------------------------------------------------------------------------------------

namespace {

using communica::AnyConnector;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 20s;

/// What went wrong in one process, for the one that started it.
enum class Verdict { fine, not_ours, not_reached, hang, refuses, close_hangs, lost, half_drained, leak, descriptors };

constexpr const char* words[] = {"fine",
                                 "one of Asio's",
                                 "there is no such allocation",
                                 "an operation did not end",
                                 "a request is not answered any more",
                                 "close() did not end",
                                 "a request has not completed once",
                                 "a drain has failed and left the entity neither running nor closed",
                                 "memory has leaked",
                                 "descriptors have leaked"};

communica::Limits limits() {
    communica::Limits limits;
    limits.liveness_timeout = 400ms;
    limits.write_timeout = 400ms;
    return limits;
}

communica::RouteTable<> routes() {
    communica::RouteTable<> table;
    table.add("echo", [](std::string text) { return text; });
    table.add("later", [](std::string text) -> asio::awaitable<std::string> {
        asio::steady_timer pause(co_await asio::this_coro::executor, 1ms);
        co_await pause.async_wait(asio::use_awaitable);
        co_return text;
    });
    table.add("ask me", [](std::string text, communica::RoutePeer<>& caller) -> asio::awaitable<std::string> {
        co_return co_await caller.request<std::string>("echo", text, {.timeout = 1s});
    });
    return table;
}

/// While it lives allocations are counted, and one of them fails.
struct Hunger {
    Hunger() { counts = true; }
    Hunger(const Hunger&) = delete;
    Hunger& operator=(const Hunger&) = delete;
    ~Hunger() { counts = false; }
};

class Talk {
 public:
    explicit Talk(const AnyConnector& connector)
        : server(context, connector, routes(), server_options()), connector_(connector) {}

    /// Another client, which has not connected.
    void add_client() {
        const std::string state = server.connector_state();
        port_ = AnyConnector::load_state(state);
        client.emplace(context, *port_, routes(), client_options());
    }

    /// Runs the coroutine to its end, or until the deadline. What comes out of `run` is counted.
    bool run(asio::awaitable<void> coroutine, Clock::duration time = patience) {
        bool done = false;
        asio::co_spawn(context, std::move(coroutine), [&done](const std::exception_ptr&) { done = true; });
        const auto end = Clock::now() + time;
        context.restart();
        while (!done && Clock::now() < end) {
            try {
                if (context.run_one_until(std::min(end, Clock::now() + 100ms)) == 0 && context.stopped()) {
                    break;
                }
            } catch (...) {
                came_out = true;
            }
            if (came_out && !done) {  // it may be this coroutine that is gone
                run_for(20ms);
                break;
            }
        }
        return done;
    }
    void run_for(Clock::duration time) {
        try {
            context.restart();
            context.run_for(time);
        } catch (...) {
            came_out = true;
        }
    }

    static communica::ServerOptions server_options() {
        communica::ServerOptions options;
        options.log = communica::no_log;
        options.limits = limits();
        options.handshake_timeout = 300ms;
        options.resume_window = 300ms;
        return options;
    }
    static communica::ClientOptions client_options() {
        communica::ClientOptions options;
        options.client_id = "client";
        options.log = communica::no_log;
        options.limits = limits();
        options.connect_timeout = 300ms;
        options.resume_window = 300ms;
        options.backoff = communica::BackoffOptions{.first = 2ms, .most = 20ms};
        return options;
    }

    asio::io_context context;
    communica::RouteServer<AnyConnector> server;
    std::optional<communica::RouteClient<AnyConnector>> client;
    /// The completion of a request that has to be called once, on an executor of its own.
    auto counted() {
        const auto calls = calls_.emplace_back(std::make_shared<int>(0));
        return asio::bind_executor(strand_, [calls](const std::exception_ptr&, auto&&...) { ++*calls; });
    }
    /// Forgets the last: its request has not begun.
    void discount() { calls_.pop_back(); }
    bool completed_each_once() const {
        return std::ranges::all_of(calls_, [](const auto& calls) { return *calls == 1; });
    }

    bool came_out = false;      ///< an exception, of `run`
    bool half_drained = false;  ///< an entity, of which `drain` has failed

 private:
    AnyConnector connector_;
    asio::strand<asio::io_context::executor_type> strand_{context.get_executor()};
    std::vector<std::shared_ptr<int>> calls_;
    std::optional<AnyConnector> port_;
};

constexpr communica::RequestOptions quick{.timeout = 1s};

/// Ends the sockets of all connections, as a network does.
void cut() {
    for (int descriptor = 3; descriptor != 64; ++descriptor) {
        ::sockaddr_storage address{};
        ::socklen_t size = sizeof address;
        if (::getpeername(descriptor, reinterpret_cast<::sockaddr*>(&address), &size) == 0) {
            ::shutdown(descriptor, SHUT_RDWR);
        }
    }
}

template <class T>
asio::awaitable<void> ends(asio::awaitable<T> operation) {
    try {
        co_await std::move(operation);
    } catch (...) {  // NOLINT(bugprone-empty-catch): with an error, as it should
    }
}

asio::awaitable<void> connect(Talk& talk) { co_await talk.client->connect({.timeout = 2s}); }

asio::awaitable<void> ask(Talk& talk) {
    const std::string large(20'000, 'x');
    co_await ends(talk.client->request<std::string>("echo", "x", quick));
    co_await ends(talk.client->request<std::string>("echo", large, quick));
    co_await ends(talk.client->notify("echo", "x", quick));
}

asio::awaitable<void> answer(Talk& talk) {
    co_await ends(talk.client->request<std::string>("later", "x", quick));
    co_await ends(talk.client->request<std::string>("ask me", "x", quick));
    co_await ends(talk.server.client("client").request<std::string>("later", "x", quick));
    co_await ends(talk.server.request<std::string>("echo", "x", quick));
}

asio::awaitable<void> reconnect(Talk& talk) {
    cut();
    co_await ends(talk.client->request<std::string>("echo", "x", quick));
    co_await ends(talk.client->wait_connected({.timeout = 1s}));
}

/// Starts an operation whose completion is counted, unless it throws.
template <class Start>
void ask_counted(Talk& talk, Start start) {
    auto completion = talk.counted();
    try {
        start(std::move(completion));
    } catch (const std::bad_alloc&) {
        talk.discount();
    }
}

/// Requests that end in every way: answered, by a deadline, cancelled, for lack of a connection, by a close.
asio::awaitable<void> complete(Talk& talk) {
    auto& client = *talk.client;
    asio::cancellation_signal signal;
    const auto later = [&](communica::RequestOptions options) {
        return [&client, options](auto completion) {
            client.request<std::string>("later", "x", options, std::move(completion));
        };
    };
    ask_counted(talk, [&](auto completion) { client.request<std::string>("echo", "x", quick, std::move(completion)); });
    ask_counted(talk, [&](auto completion) { client.notify("echo", "x", quick, std::move(completion)); });
    ask_counted(talk, later({.timeout = 1us}));
    ask_counted(talk, [&](auto completion) {
        later(quick)(asio::bind_cancellation_slot(signal.slot(), std::move(completion)));
    });
    signal.emit(asio::cancellation_type::terminal);
    ask_counted(talk, [&](auto completion) {
        talk.server.client("nobody").request<std::string>("echo", "x", {.wait_for_connection = false},
                                                          std::move(completion));
    });
    co_await ends(client.request<std::string>("later", "x", quick));
    ask_counted(talk, later({.timeout = std::nullopt}));
    ask_counted(talk, later({.timeout = std::nullopt, .idempotent = true}));
    cut();
    ask_counted(talk, later({.timeout = std::nullopt}));
    co_await ends(talk.client->close());
}

/// What has failed to drain answers `other` as before, or is closed soon.
template <class Entity, class Other>
asio::awaitable<void> drain(Talk& talk, Entity& entity, const Other& other) {
    bool failed = false;
    try {
        co_await entity.drain(1s);
    } catch (...) {
        failed = true;
    }
    const auto end = Clock::now() + 2s;
    while (failed) {
        counts = false;
        const communica::RequestOptions at_once{.timeout = 100ms, .wait_for_connection = false};
        const auto answer = co_await other.template try_request<std::string>("echo", "x", at_once);
        talk.half_drained = !answer && answer.error().code == communica::errc::draining;
        failed = talk.half_drained && Clock::now() < end;
    }
}

asio::awaitable<void> drain(Talk& talk) {
    ask_counted(
        talk, [&](auto completion) { talk.client->request<std::string>("later", "x", quick, std::move(completion)); });
    co_await drain(talk, talk.server, *talk.client);
    co_await drain(talk, *talk.client, talk.server.client("client"));
}

asio::awaitable<void> start_again(Talk& talk) {
    co_await ends(talk.server.close());
    co_await ends(talk.server.start());
}

struct Scenario {
    const char* name;
    asio::awaitable<void> (*run)(Talk&);
    bool connected;  ///< before it
};
constexpr Scenario scenarios[] = {
    {"connect", connect, false},    {"ask", ask, true},     {"answer", answer, true},      {"complete", complete, true},
    {"reconnect", reconnect, true}, {"drain", drain, true}, {"restart", start_again, true}};

asio::awaitable<void> begin(Talk& talk, bool connects) {
    co_await talk.server.start();
    talk.add_client();
    if (connects) {
        co_await talk.client->connect({.timeout = patience});
        co_await talk.client->request<std::string>("echo", "x");
        co_await talk.client->request<std::string>("later", "x");
    }
}

asio::awaitable<void> hungry(Talk& talk, const Scenario& scenario) {
    const Hunger hunger;
    co_await scenario.run(talk);
}

/// A fresh request is answered, if need be after a start of what has said that it has failed.
asio::awaitable<void> check(Talk& talk, bool& answered) {
    const auto end = Clock::now() + patience / 2;
    while (Clock::now() < end) {
        try {
            co_await talk.server.start();
            co_await talk.client->connect({.timeout = 1s});
            answered = co_await talk.client->request<std::string>("echo", "fresh", quick) == "fresh" &&
                       co_await talk.server.client("client").request<std::string>("echo", "fresh", quick) == "fresh";
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): it is asked again
        }
        if (answered) {
            co_return;
        }
        asio::steady_timer pause(talk.context, 10ms);
        co_await pause.async_wait(asio::use_awaitable);
        talk.client.reset();
        try {
            talk.add_client();
        } catch (const std::exception&) {  // the server does not listen yet
            continue;
        }
    }
}

asio::awaitable<void> close(Talk& talk) {
    if (talk.client) {
        co_await talk.client->close();
    }
    co_await talk.server.close();
}

auto open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

Verdict talk(const Scenario& scenario, const AnyConnector& connector, bool& came_out) {
    Talk talk(connector);
    if (!talk.run(begin(talk, scenario.connected))) {
        return Verdict::hang;
    }
    const bool ended = talk.run(hungry(talk, scenario));
    counts = false;
    if ((place != asio_places)) {
        return Verdict::not_ours;
    }
    came_out = talk.came_out;
    if (!ended && !came_out) {
        return Verdict::hang;
    }
    talk.came_out = false;
    bool answered = false;
    talk.run(check(talk, answered));
    if (!answered) {
        return Verdict::refuses;
    }
    if (!talk.run(close(talk))) {
        return Verdict::close_hangs;
    }
    if (talk.half_drained) {
        return Verdict::half_drained;
    }
    return talk.completed_each_once() ? Verdict::fine : Verdict::lost;
}

/// Of what is destroyed, whatever has become of it, nothing is left.
Verdict try_once(const Scenario& scenario, const AnyConnector& connector, bool& came_out) {
    const long before = live;
    const auto descriptors = open_descriptors();
    const Verdict verdict = talk(scenario, connector, came_out);
    if (verdict != Verdict::fine) {
        return verdict;
    }
    if (open_descriptors() != descriptors) {
        return Verdict::descriptors;
    }
    return live != before ? Verdict::leak : verdict;
}

struct Shared {
    bool came_out = false;
    int places[asio_places] = {};
};

/// In a process of its own. Gives its verdict, or nothing if it did not end in order.
std::optional<Verdict> fail_at(long number, const Scenario& scenario, const AnyConnector& connector, Shared& shared) {
    std::fflush(stdout);
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::alarm(100);
        std::set_terminate([] {
            ::backtrace_symbols_fd(frames, frame_count, STDOUT_FILENO);
            std::abort();
        });
        failing = number;
        shared.came_out = false;
        Verdict verdict = try_once(scenario, connector, shared.came_out);
        if (place != asio_places) {
            ++shared.places[place];
        }
        if (!has_failed && place == asio_places) {
            verdict = Verdict::not_reached;
        } else if (verdict != Verdict::fine && verdict != Verdict::not_ours) {
            std::printf("%s, allocation %ld: %s\n", scenario.name, number, words[static_cast<int>(verdict)]);
            std::fflush(stdout);
            ::backtrace_symbols_fd(frames, frame_count, STDOUT_FILENO);
        }
        ::_exit(static_cast<int>(verdict));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) < static_cast<int>(std::size(words))) {
        return static_cast<Verdict>(WEXITSTATUS(status));
    }
    std::printf("%s, allocation %ld: ended by signal %d, code %d\n", scenario.name, number,
                WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0);
    return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    const auto* const scenario = std::find_if(std::begin(scenarios), std::end(scenarios),
                                              [&](const Scenario& s) { return std::strcmp(s.name, argv[1]) == 0; });
    const bool is_local = std::strcmp(argv[2], "local") == 0;
    const long stride = std::atol(argv[3]);
    const long first = argc > 4 ? std::atol(argv[4]) : 1;
    const long last = argc > 5 ? std::atol(argv[5]) : 100'000;
    ::backtrace(frames, most_frames);  // the first allocates
    const test::TemporaryDirectory directory;
    const AnyConnector connector =
        is_local ? AnyConnector(communica::LocalConnector("starving", {.directory = directory.path()}))
                 : AnyConnector(communica::TcpConnector("127.0.0.1", 0));
    void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* const shared = new (memory) Shared{};

    // Once without failing: what is made at first use is there in all that follow.
    bool ignored = false;
    try_once(*scenario, connector, ignored);
    counted = 0;
    if (const Verdict verdict = try_once(*scenario, connector, ignored); verdict != Verdict::fine) {
        std::printf("%s, without a failure: %s\n", scenario->name, words[static_cast<int>(verdict)]);
        return 1;
    }
    const long all = counted;
    counted = 0;

    int tried = 0, in_asio = 0, out = 0, wrong = 0;
    for (long number = first; number <= last; number += stride) {
        const auto verdict = fail_at(number, *scenario, connector, *shared);
        if (verdict == Verdict::not_reached) {
            if (number > all) {
                break;
            }
            continue;
        }
        ++tried;
        in_asio += verdict == Verdict::not_ours ? 1 : 0;
        out += verdict != Verdict::not_ours && shared->came_out ? 1 : 0;
        wrong += !verdict || (*verdict != Verdict::fine && *verdict != Verdict::not_ours) ? 1 : 0;
    }
    std::printf("%s over %s: %d of %ld allocations, %d wrong; %d are Asio's own", scenario->name, argv[2], tried, all,
                wrong, in_asio);
    for (std::size_t index = 0; index != asio_places; ++index) {
        std::printf("%s%s %d", index == 0 ? " (" : ", ", asios[index], shared->places[index]);
    }
    std::printf("); of %d the exception came out of run()\n", out);
    return wrong == 0 ? 0 : 1;
}
