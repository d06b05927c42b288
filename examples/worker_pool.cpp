// A pool of worker processes of the same program, some of which crash. A worker that ends is replaced and its job is
// assigned again. A job that has crashed three workers is abandoned.

#include <communica/communica.hpp>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

inline constexpr communica::Route<int(int)> square{"square"};

struct Job {
    int number = 0;
    int crashes = 0;
};

struct Jobs {
    std::deque<Job> waiting;
    int done = 0, refused = 0, given_up = 0;
};

class Worker {
 public:
    Worker(const char* program, const std::string& connector_state, const std::string& client_id) : process_(::fork()) {
        if (process_ == 0) {
            ::execlp(program, program, connector_state.c_str(), client_id.c_str(), nullptr);
            ::_exit(127);
        }
        if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    // Ends the process in any state: running, hanging or ended.
    ~Worker() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

 private:
    pid_t process_;
};

using Server = communica::RouteServer<communica::LocalConnector>;

// Runs one worker at a time while there are jobs.
// NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
asio::awaitable<void> keep_worker(Server& server, const char* program, Jobs& jobs, std::string name) {
    for (int started = 1; !jobs.waiting.empty(); ++started) {
        // A new id for each worker: an error of the last worker does not concern this one.
        const std::string id = name + "." + std::to_string(started);
        const Worker worker{program, server.connector_state(), id};
        const auto peer = server.client(id);
        for (bool alive = true; alive && !jobs.waiting.empty();) {
            Job job = jobs.waiting.front();
            jobs.waiting.pop_front();
            // The request waits until the worker has connected. The deadline detects a worker that hangs or never
            // connects.
            const auto answer = co_await peer.try_request(square, job.number, {.timeout = 10s});
            if (answer) {
                std::cout << id << ": the square of " << job.number << " is " << *answer << '\n';
                ++jobs.done;
                continue;
            }
            const auto& error = answer.error();
            alive = error.code != communica::errc::connection_lost && error.code != communica::errc::timeout;
            if (alive) {
                std::cout << id << ": " << error.text() << '\n';  // the worker is running, and refuses
                ++jobs.refused;
            } else if (++job.crashes < 3) {
                std::cout << id << " has crashed at " << job.number << '\n';
                jobs.waiting.push_front(job);
            } else {
                std::cout << "three workers have crashed at " << job.number << ", which is given up\n";
                ++jobs.given_up;
            }
        }
    }
}

asio::awaitable<void> run_pool(const char* program) {
    const auto executor = co_await asio::this_coro::executor;
    communica::ServerOptions options;
    options.resume_window = 0s;       // a crashed worker does not reconnect: its requests fail at once
    options.log = communica::no_log;  // lost connections are expected here
    const communica::LocalConnector connector{"pool-" + std::to_string(::getpid())};
    Server server{executor, connector, communica::RouteTable{}, options};
    co_await server.start();

    Jobs jobs;
    for (int number = 1; number <= 6; ++number)
        jobs.waiting.push_back({number});
    using namespace asio::experimental::awaitable_operators;
    auto left = keep_worker(server, program, jobs, "left");
    auto right = keep_worker(server, program, jobs, "right");
    co_await (std::move(left) && std::move(right));
    co_await server.close();
    if (jobs.done != 4 || jobs.refused != 1 || jobs.given_up != 1) throw std::runtime_error("jobs were lost");
}

asio::awaitable<void> work(std::string connector_state, std::string client_id) {
    communica::RouteTable routes;
    routes.add(square, [](int number) {
        if (number == 3) std::abort();
        if (number == 5) throw communica::RequesterError("5 is not squared here", 400);
        return number * number;
    });
    communica::ClientOptions options;
    options.client_id = client_id;
    options.log = communica::no_log;
    communica::RouteClient<communica::AnyConnector>* self = nullptr;
    options.on_disconnect = [&self](const communica::Error&) { self->stop(); };  // the pool has ended
    const auto executor = co_await asio::this_coro::executor;
    const auto connector = communica::AnyConnector::load_state(connector_state);
    communica::RouteClient client{executor, connector, routes, options};
    self = &client;
    co_await client.run();
}

int main(int argc, char** argv) try {
    asio::io_context context;
    asio::co_spawn(context, argc > 2 ? work(argv[1], argv[2]) : run_pool(argv[0]), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
