// Descriptors in messages, over the transports that pass them, and refused over the others.
#include "support/descriptors_linux.hpp"
#include "support/pair.hpp"

#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

namespace descriptors {

using communica::Descriptor;
using communica::errc;
using communica::Route;
using test::error_of;
using test::inode_of;
using test::memory_file;
using test::RoutePair;
using test::Routes;
using test::text_of;

namespace {

struct File {
    std::string name;
    Descriptor descriptor;
};
COMMUNICA_MODEL(File, name, descriptor)

constexpr Route<std::string(File)> read_file{"read"};
constexpr Route<File(std::string)> open_file{"open"};
constexpr Route<std::vector<std::uint64_t>(std::vector<Descriptor>)> inodes{"inodes"};

Routes routes_with_files() {
    Routes routes;
    routes.add(read_file, [](const File& file) { return file.name + ": " + text_of(file.descriptor); });
    routes.add(open_file, [](const std::string& name) { return File{name, memory_file("of " + name)}; });
    routes.add(inodes, [](const std::vector<Descriptor>& all) {
        std::vector<std::uint64_t> found;
        for (const Descriptor& one : all) {
            found.push_back(inode_of(one));
        }
        return found;
    });
    return routes;
}

auto passing_transports() {
    using enum test::Transport;
    return Catch::Generators::from_range(std::vector{local, descriptors, shared_memory});
}

}  // namespace

TEST_CASE("a file, a socket and a pipe pass in both directions and remain with their sender") {
    const test::NoneLeft none_left;
    const auto transport = GENERATE(passing_transports());
    CAPTURE(transport);
    RoutePair pair(transport, routes_with_files(), routes_with_files());

    pair.run([&]() -> asio::awaitable<void> {
        const File file{"memory", memory_file("its text")};
        CHECK_AWAITED("memory: its text", pair.client().request(read_file, file));
        CHECK(text_of(file.descriptor) == "its text");

        const File opened = co_await pair.client().request(open_file, std::string("a"));
        CHECK(text_of(opened.descriptor) == "of a");
        CHECK((::fcntl(opened.descriptor.get(), F_GETFD) & FD_CLOEXEC) != 0);

        auto client = pair.server.client("client");
        CHECK_AWAITED("memory: its text", client.request(read_file, file));
        const File of_client = co_await client.request(open_file, std::string("b"));
        CHECK(text_of(of_client.descriptor) == "of b");

        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        std::vector<Descriptor> sockets;
        sockets.emplace_back(ends[0]);
        sockets.emplace_back(ends[1]);
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        sockets.emplace_back(ends[0]);
        sockets.emplace_back(ends[1]);
        std::vector<std::uint64_t> expected;
        for (const Descriptor& one : sockets) {
            expected.push_back(inode_of(one));
        }
        CHECK_AWAITED(expected, pair.client().request(inodes, sockets));
    });
}

TEST_CASE("as many descriptors pass as the system takes, and one more is refused at the sender") {
    const test::NoneLeft none_left;
    const auto transport = GENERATE(passing_transports());
    CAPTURE(transport);
    RoutePair pair(transport, routes_with_files());

    pair.run([&]() -> asio::awaitable<void> {
        std::vector<Descriptor> files;
        std::vector<std::uint64_t> expected;
        for (int count = 0; count != 253; ++count) {
            files.push_back(memory_file());
            expected.push_back(inode_of(files.back()));
        }
        CHECK_AWAITED(expected, pair.client().request(inodes, files));
        files.push_back(memory_file());
        CHECK((co_await error_of(pair.client().request(inodes, files))).code == errc::serializer_error);
        files.resize(1);
        expected.resize(1);
        CHECK_AWAITED(expected, pair.client().request(inodes, files));
    });
}

TEST_CASE("each of many messages at once gets its own descriptors") {
    const test::NoneLeft none_left;
    const auto transport = GENERATE(passing_transports());
    CAPTURE(transport);
    Routes routes = routes_with_files();
    routes.add("size", [](const std::string& text) { return text.size(); });
    RoutePair pair(transport, routes, routes_with_files());

    pair.run([&]() -> asio::awaitable<void> {
        constexpr int count = 100;
        int left = 4 * count;
        int wrong = 0;
        const std::string large(300'000, 'x');
        auto client = pair.server.client("client");
        for (int number = 0; number != count; ++number) {
            const std::string name = std::to_string(number);
            const File file{name, memory_file("number " + name)};
            const auto expected = name + ": number " + name;
            const auto check_text = [&left, &wrong, expected](std::exception_ptr failure, const std::string& text) {
                wrong += !failure && text == expected ? 0 : 1;
                --left;
            };
            communica::RequestOptions options;
            options.priority = number % 3 == 0 ? communica::Priority::high : communica::Priority::normal;
            pair.client().request(read_file, file, options, check_text);
            client.request(read_file, file, check_text);
            pair.client().request(open_file, name,
                                  [&left, &wrong, name](std::exception_ptr failure, const File& opened) {
                                      wrong += !failure && text_of(opened.descriptor) == "of " + name ? 0 : 1;
                                      --left;
                                  });
            pair.client().request<std::size_t>("size", number % 10 == 0 ? large : name,
                                               [&left, &wrong, size = number % 10 == 0 ? large.size() : name.size()](
                                                   std::exception_ptr failure, std::size_t told) {
                                                   wrong += !failure && told == size ? 0 : 1;
                                                   --left;
                                               });
        }
        co_await test::until([&] { return left == 0; });
        CHECK(wrong == 0);
    });
}

TEST_CASE("descriptors that several threads send are not mixed up") {
    const test::NoneLeft none_left;
    const auto transport = GENERATE(passing_transports());
    CAPTURE(transport);
    RoutePair pair(transport, routes_with_files());

    pair.run([&]() -> asio::awaitable<void> {
        constexpr int thread_count = 4;
        constexpr int request_count = 50;
        std::atomic<int> right = 0;
        std::atomic<int> done = 0;
        std::vector<std::jthread> threads;
        for (int thread = 0; thread != thread_count; ++thread) {
            threads.emplace_back([&, thread] {
                for (int number = 0; number != request_count; ++number) {
                    const std::string name = std::to_string(thread) + "-" + std::to_string(number);
                    const File file{name, memory_file(name)};
                    right += pair.client().request(read_file, file, asio::use_future).get() == name + ": " + name;
                    right += text_of(pair.client().request(open_file, name, asio::use_future).get().descriptor) ==
                             "of " + name;
                }
                ++done;
            });
        }
        co_await test::until([&] { return done == thread_count; });
        CHECK(right == 2 * thread_count * request_count);
    });
}

TEST_CASE("descriptors pass in messages of any size, in notifications and to handlers on other executors") {
    const test::NoneLeft none_left;
    const auto transport = GENERATE(passing_transports());
    CAPTURE(transport);
    std::string noted;
    asio::thread_pool pool(1);
    Routes routes = routes_with_files();
    routes.add("note", [&](const File& file) { noted = text_of(file.descriptor); });
    routes.add("elsewhere", communica::on_executor(pool, [](const File& file) { return text_of(file.descriptor); }));
    routes.add("later", [](File file) -> asio::awaitable<std::string> { co_return text_of(file.descriptor); });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        const File large{std::string(3'000'000, 'x'), memory_file("much")};
        const std::string answer = co_await pair.client().request(read_file, large);
        CHECK(answer.ends_with("x: much"));
        const File small{"small", memory_file("little")};
        co_await pair.client().notify("note", small);
        CHECK_AWAITED("little", pair.client().request<std::string>("elsewhere", small));
        CHECK_AWAITED("little", pair.client().request<std::string>("later", small));
        CHECK(noted == "little");
    });
    pool.join();
}

TEST_CASE("a stream is opened with descriptors, and has none in its items and its result") {
    const test::NoneLeft none_left;
    const auto transport = GENERATE(passing_transports());
    CAPTURE(transport);
    Routes routes;
    routes.add("both", [](const Descriptor& file, int count) { return text_of(file) + std::to_string(count); });
    routes.add("lines", [](Descriptor file) -> communica::Stream<std::string> { co_yield text_of(file); });
    routes.add("files", [](int) -> communica::Stream<Descriptor> { co_yield memory_file(); });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        const Descriptor file = memory_file("a line");
        auto lines = co_await pair.client().open(Route<communica::Stream<std::string>(Descriptor)>{"lines"}, file);
        const auto line = co_await lines.next();
        CHECK(line == "a line");
        CHECK_AWAITED("a line3", pair.client().request(Route<std::string(Descriptor, int)>{"both"}, file, 3));
        auto all = co_await pair.client().open(Route<communica::Stream<Descriptor>(int)>{"files"}, 1);
        const auto error = co_await error_of(all.next());
        CHECK(error.message.find("descriptors pass only in requests") != error.message.npos);
    });
}

TEST_CASE("a receiver's limit is told to the sender, who refuses more") {
    const test::NoneLeft none_left;
    const std::size_t most = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2});
    test::Meeting meeting(test::Transport::local);
    asio::io_context context;
    communica::ServerOptions at_server;
    at_server.limits.max_descriptors = most;
    test::RouteServer server(context, meeting.at_server(), routes_with_files(), at_server);
    auto at_client = test::quick_client();
    at_client.limits.max_descriptors = most;
    std::optional<test::RouteClient> client;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, meeting.at_client(server), Routes(), at_client);
        co_await client->connect();
        std::vector<Descriptor> files;
        while (files.size() != most) {
            files.push_back(memory_file());
        }
        const auto fit = co_await client->request(inodes, files);
        CHECK(fit.size() == most);
        files.push_back(memory_file());
        const auto error = co_await error_of(client->request(inodes, files));
        CHECK(error.code == errc::not_supported);
        CAPTURE(error.message);
        CHECK(error.message.find(most == 0 ? "no descriptors pass" : "accepts at most") != error.message.npos);
        const auto answer = co_await error_of(client->request(open_file, std::string("a")));
        CHECK(answer.code == (most == 0 ? make_error_code(errc::responder_error) : std::error_code()));
        co_await client->close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("descriptors pass through interceptors of both sides") {
    const test::NoneLeft none_left;
    int seen = 0;
    test::Meeting meeting(test::Transport::local);
    asio::io_context context;
    communica::ServerOptions at_server;
    at_server.interceptor = [&seen](communica::Context&, communica::NextHandler next) {
        ++seen;
        return next();
    };
    at_server.limits.max_frame = 100;
    test::RouteServer server(context, meeting.at_server(), routes_with_files(), at_server);
    auto at_client = test::quick_client();
    at_client.limits.max_frame = 100;
    std::optional<test::RouteClient> client;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, meeting.at_client(server), Routes(), at_client);
        co_await client->connect();
        const File in_chunks{std::string(10'000, 'n'), memory_file("chunks")};
        const auto text = co_await client->request(read_file, in_chunks);
        CHECK(text.ends_with("n: chunks"));
        const auto opened = co_await client->request(open_file, std::string(1'000, 'a'));
        CHECK(text_of(opened.descriptor) == "of " + std::string(1'000, 'a'));
        CHECK(seen == 2);
        co_await client->close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("transports without descriptors refuse a value that has some") {
    const test::NoneLeft none_left;
    using enum test::Transport;
    const auto transport = GENERATE(tcp, memory);
    CAPTURE(transport);
    RoutePair pair(transport, routes_with_files());

    pair.run([&]() -> asio::awaitable<void> {
        const File file{"memory", memory_file("its text")};
        CHECK((co_await error_of(pair.client().request(read_file, file))).code == errc::not_supported);
        CHECK((co_await error_of(pair.client().request(open_file, std::string("a")))).code == errc::responder_error);
        const std::vector<Descriptor> none;
        CHECK_AWAITED(std::vector<std::uint64_t>(), pair.client().request(inodes, none));
    });
}

}  // namespace descriptors
