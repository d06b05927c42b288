// Streams: many items for one request, either way, over every transport.
#include "support/errors.hpp"
#include "support/pair.hpp"
#include "support/relay.hpp"
#include "support/scripted_peer.hpp"

#include <asio/use_future.hpp>

#include <future>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

namespace streams {

using communica::Bytes;
using communica::BytesSerializer;
using communica::Duplex;
using communica::errc;
using communica::Error;
using communica::RequesterError;
using communica::ResponderError;
using communica::Route;
using communica::Stream;
using communica::StreamWriter;
using communica::Upload;
using test::error_of;
using test::RoutePair;
using test::Routes;
using test::Transport;
using namespace std::chrono_literals;

namespace {

constexpr Route<Stream<int>(int)> count_to{"count"};
constexpr Route<Stream<int>(int, int)> range{"range"};
constexpr Route<Stream<int>()> endless{"endless"};
constexpr Route<int(Stream<int>)> sum{"sum"};
constexpr Route<std::string(std::string, Stream<std::string>)> join{"join"};
constexpr Route<Stream<std::string>(std::string, Stream<std::string>)> prefix{"prefix"};

Stream<int> yield_to(int last) {
    for (int number = 1; number <= last; ++number) {
        co_yield number;
    }
}

asio::awaitable<int> add_up(Stream<int> numbers) {
    int total = 0;
    while (const auto number = co_await numbers.next()) {
        total += *number;
    }
    co_return total;
}

asio::awaitable<std::string> join_up(std::string separator, Stream<std::string> words) {
    std::string text;
    while (const auto word = co_await words.next()) {
        text += (text.empty() ? "" : separator) + *word;
    }
    co_return text;
}

Stream<std::string> put_before(std::string text, Stream<std::string> lines) {
    while (const auto line = co_await lines.next()) {
        co_yield text + *line;
    }
    co_yield "end";
}

Routes plain_routes() {
    Routes routes;
    routes.add(count_to, yield_to);
    routes.add(range, [](int first, int last) -> Stream<int> {
        for (int number = first; number <= last; ++number) {
            co_yield number;
        }
    });
    routes.add(sum, add_up);
    routes.add(join, join_up);
    routes.add(prefix, put_before);
    return routes;
}

asio::awaitable<std::vector<int>> read_all(Stream<int>& stream) {
    std::vector<int> items;
    while (const auto item = co_await stream.next()) {
        items.push_back(*item);
    }
    co_return items;
}

/// What a handler's coroutine has caught.
struct Heard {
    void note() {
        error = Error::from(std::current_exception());
        done.set();
    }
    Error error;
    test::Event done;
};

asio::awaitable<Error> failure_of(Stream<int>& stream) {
    for (;;) {
        auto next = co_await stream.try_next();
        if (!next) {
            co_return next.error();
        }
        if (!*next) {
            co_return Error{};
        }
    }
}

}  // namespace

TEST_CASE("a stream brings what its handler yields, in order, and ends") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        for (const int count : {0, 1, 10, 20'000}) {
            auto stream = co_await pair.client().open(count_to, count);
            const auto items = co_await read_all(stream);
            std::vector<int> expected(static_cast<std::size_t>(count));
            std::iota(expected.begin(), expected.end(), 1);
            CHECK(items == expected);
            const auto after = co_await stream.next();
            CHECK_FALSE(after.has_value());
        }
        auto stream = co_await pair.client().open(range, 5, 7);
        const auto items = co_await read_all(stream);
        CHECK(items == std::vector{5, 6, 7});
    });
}

TEST_CASE("items go to a handler, which answers once") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        auto upload = co_await pair.client().open(sum);
        for (int number = 1; number <= 20'000; ++number) {
            co_await upload.write(number);
        }
        const int total = co_await upload.finish();
        CHECK(total == 200'010'000);
        const std::string separator = ", ";
        auto words = co_await pair.client().open(join, separator);
        for (const char* word : {"one", "two", "three"}) {
            co_await words.write(word);
        }
        const std::string text = co_await words.finish();
        CHECK(text == "one, two, three");
    });
}

TEST_CASE("items go both ways at once, and each side ends its own") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        const std::string text = "> ";
        auto shell = co_await pair.client().open(prefix, text);
        for (int number = 0; number != 100; ++number) {
            const std::string line = std::to_string(number);
            co_await shell.write(line);
            const auto answer = co_await shell.next();
            CHECK(answer == "> " + line);
        }
        shell.finish();
        const auto last = co_await shell.next();
        CHECK(last == "end");
        const auto end = co_await shell.next();
        CHECK_FALSE(end.has_value());
    });
}

TEST_CASE("a server opens streams towards its client") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, {}, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        const auto peer = pair.server.client("client");
        auto stream = co_await peer.open(count_to, 100);
        const auto items = co_await read_all(stream);
        CHECK(items.size() == 100);
        auto upload = co_await pair.server.open(sum);  // of any client
        co_await upload.write(42);
        const int total = co_await upload.finish();
        CHECK(total == 42);
    });
}

TEST_CASE("a handler may write by a writer, and get its context") {
    Routes routes;
    routes.add(count_to, [](int last, StreamWriter<int> out, communica::Context& context) -> asio::awaitable<void> {
        CHECK(context.route() == "count");
        for (int number = 1; number <= last; ++number) {
            co_await out.write(number);
        }
    });
    routes.add("twice", [](int item) -> Stream<int> {
        co_yield item;
        co_yield item;
    });
    routes.add("pass", [](std::string before, Stream<std::string> words) -> Stream<std::string> {
        while (const auto word = co_await words.next()) {
            co_yield before + *word;
        }
    });
    routes.add("copy", [](Stream<int> in, StreamWriter<int> out, communica::RoutePeer<>&) -> asio::awaitable<void> {
        while (const auto item = co_await in.next()) {
            co_await out.write(*item);
        }
    });
    RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto stream = co_await pair.client().open(count_to, 5'000);
        const auto items = co_await read_all(stream);
        CHECK(items.size() == 5'000);
        auto twice = co_await pair.client().open(Route<Stream<int>(int)>{"twice"}, 7);
        const auto sevens = co_await read_all(twice);
        CHECK(sevens == std::vector{7, 7});
        const std::string mark = "-";
        auto pass =
            co_await pair.client().open(Route<Stream<std::string>(std::string, Stream<std::string>)>{"pass"}, mark);
        co_await pass.write("word");
        const auto passed = co_await pass.next();
        CHECK(passed == "-word");
        auto copy = co_await pair.client().open(Route<Stream<int>(Stream<int>)>{"copy"});
        co_await copy.write(8);
        const auto copied = co_await copy.next();
        CHECK(copied == 8);
    });
}

TEST_CASE("a generator awaits what it likes, also requests to the side that asks") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr Route<int(int)> square{"square"};
    Routes routes;
    routes.add(count_to, [square](int last, communica::RoutePeer<>& peer) -> Stream<int> {
        auto asker = peer;
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer timer(executor, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
        for (int number = 1; number <= last; ++number) {
            co_yield co_await asker.request(square, number);
        }
        co_await asker.notify(square, 0);
    });
    Routes client_routes;
    client_routes.add(square, [](int number) { return number * number; });
    RoutePair pair(transport, routes, client_routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto stream = co_await pair.client().open(count_to, 4);
        const auto items = co_await read_all(stream);
        CHECK(items == std::vector{1, 4, 9, 16});
    });
}

TEST_CASE("what a handler throws comes behind its last item") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add(count_to, [](int last) -> Stream<int> {
        for (int number = 1; number <= last; ++number) {
            co_yield number;
        }
        throw RequesterError("that was all", 416);
    });
    routes.add(sum, [](Stream<int> numbers) -> asio::awaitable<int> {
        co_await numbers.next();
        throw ResponderError("one is enough");
    });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto stream = co_await pair.client().open(count_to, 3'000);
        int count = 0;
        Error error;
        try {
            while (co_await stream.next()) {
                ++count;
            }
        } catch (...) {
            error = Error::from(std::current_exception());
        }
        CHECK(count == 3'000);
        CHECK(error.kind == Error::Kind::requester);
        CHECK(error.message == "that was all");
        CHECK(error.status == 416);

        auto upload = co_await pair.client().open(sum);
        co_await upload.write(1);
        const Error refused = co_await error_of(upload.finish());
        CHECK(refused.kind == Error::Kind::responder);
        CHECK(refused.message == "one is enough");
    });
}

TEST_CASE("what can't be opened says why, and leaves nothing behind") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes = plain_routes();
    routes.add("echo", [](int value) { return value; });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const auto& client = pair.client();
        const Error unknown = co_await error_of(client.open(Route<Stream<int>(int)>{"nowhere"}, 1));
        CHECK(unknown.message == "Route \"nowhere\" is not defined");
        const Error no_stream = co_await error_of(client.open(Route<Stream<int>(int)>{"echo"}, 1));
        CHECK(no_stream.message == "This is no stream");
        const Error a_stream = co_await error_of(client.request<int>("count", 1));
        CHECK(a_stream.message == "This is a stream, to be opened");
        const std::string text = "one";
        const Error wrong = co_await error_of(client.open(Route<Stream<int>(std::string)>{"count"}, text));
        CHECK(wrong.kind == Error::Kind::serializer);
        const Error no_items = co_await error_of(client.open(Route<int(int, Stream<int>)>{"count"}, 1));
        CHECK(no_items.message == "the handler at the other side takes no items");
        const int one = co_await client.request<int>("echo", 1);
        CHECK(one == 1);
    });
}

TEST_CASE("who cancels a stream is heard by the other side's coroutine") {
    const auto transport = GENERATE(test::every_transport());
    const bool by_dropping = GENERATE(false, true);
    CAPTURE(transport, by_dropping);
    Heard heard;
    Routes routes;
    routes.add(endless, [&]() -> Stream<int> {
        try {
            for (int number = 0;; ++number) {
                co_yield number;
            }
        } catch (...) {
            heard.note();
            throw;
        }
    });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        {
            auto stream = co_await pair.client().open(endless);
            const auto first = co_await stream.next();
            CHECK(first == 0);
            if (!by_dropping) {
                stream.cancel("seen enough", 204);
                const Error own = co_await failure_of(stream);
                CHECK(own.code == errc::closed);
            }
        }
        co_await heard.done.wait();
        CHECK(heard.error.kind == Error::Kind::requester);
        CHECK(heard.error.message == (by_dropping ? "nobody reads the stream any more" : "seen enough"));
        CHECK(heard.error.status == (by_dropping ? std::optional<std::int64_t>() : 204));
    });
}

TEST_CASE("a generator that awaits something else is cancelled where it awaits") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Heard heard;
    Routes routes;
    routes.add(endless, [&]() -> Stream<int> {
        co_yield 1;
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer never(executor, asio::steady_timer::time_point::max());
        try {
            co_await never.async_wait(asio::use_awaitable);
        } catch (...) {
            heard.note();
            throw;
        }
    });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        {
            auto stream = co_await pair.client().open(endless);
            co_await stream.next();
        }
        co_await heard.done.wait();
        CHECK(heard.error.code == asio::error::operation_aborted);
    });
}

TEST_CASE("a handler cancels its stream with a reason, which its side's writer sees") {
    Routes routes;
    routes.add(prefix, [](std::string, Stream<std::string> lines) -> Stream<std::string> {
        const auto line = co_await lines.next();
        lines.cancel("not this: " + *line, 422);
        co_yield "lost";
    });
    RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const std::string text;
        auto shell = co_await pair.client().open(prefix, text);
        co_await shell.write("word");
        const auto next = co_await shell.try_next();
        REQUIRE_FALSE(next);
        CHECK(next.error().kind == Error::Kind::responder);
        CHECK(next.error().message == "not this: word");
        CHECK(next.error().status == 422);
        const Error write = co_await error_of(shell.write("more"));
        CHECK(write.message == "not this: word");
    });
}

TEST_CASE("whoever still reads when the handler has ended is told so") {
    std::optional<Error> told;
    test::Event done;
    Routes routes;
    asio::io_context context;
    routes.add(prefix, [&](std::string, Stream<std::string> lines) -> Stream<std::string> {
        asio::co_spawn(
            context,
            [](Stream<std::string> in, std::optional<Error>& error, test::Event& event) -> asio::awaitable<void> {
                const auto line = co_await in.try_next();
                error = line ? Error{} : line.error();
                event.set();
            }(std::move(lines), told, done),
            asio::detached);
        co_yield "only this";
    });
    test::Meeting meeting(Transport::local);
    test::RouteServer server(context, meeting.at_server(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server));
        const std::string text;
        auto shell = co_await client.open(prefix, text);
        const auto only = co_await shell.next();
        CHECK(only == "only this");
        co_await done.wait();
        CHECK(told->code == errc::closed);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a generator that was cancelled awaits nothing any more, whatever it does with errors") {
    int rounds = 0;
    Routes routes;
    routes.add(endless, [&]() -> Stream<int> {
        co_yield 1;
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (;; ++rounds) {
            timer.expires_after(1ms);
            co_await timer.async_wait(communica::no_throw);
        }
    });
    RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        {
            auto stream = co_await pair.client().open(endless);
            co_await stream.next();
        }
        co_await pair.server.drain(test::patience);  // it waits for what is at work
    });
}

TEST_CASE("a handle without a stream says so") {
    RoutePair pair(Transport::local, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        Upload<int, int> upload;
        CHECK(test::code_of([&] { return upload.write(1); }) == errc::closed);
        CHECK(test::code_of([&] { return upload.finish(); }) == errc::closed);
        upload.cancel();
        Duplex<int, int> duplex;
        CHECK(test::code_of([&] { return duplex.finish(), 0; }) == errc::closed);
        auto stream = co_await pair.client().open(count_to, 3);
        auto moved = std::move(stream);
        const auto items = co_await read_all(moved);
        CHECK(items.size() == 3);
    });
}

TEST_CASE("a reader that stops holds up its own writer alone, at its window") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    int written = 0;
    Routes routes;
    routes.add(endless, [&]() -> Stream<int> {
        for (;; ++written) {
            co_yield written;
        }
    });
    routes.add(count_to, yield_to);
    routes.add("echo", [](int value) { return value; });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto stopped = co_await pair.client().open(endless);
        for (int request = 0; request != 50; ++request) {
            const int back = co_await pair.client().request<int>("echo", request);
            CHECK(back == request);
        }
        auto other = co_await pair.client().open(count_to, 5'000);
        const auto items = co_await read_all(other);
        CHECK(items.size() == 5'000);
        const int held = written;
        CHECK(held < 1'024 + 70'000 / 5);  // the window, and what a writer may be ahead of it
        const int back = co_await pair.client().request<int>("echo", 1);
        CHECK(back == 1);
        CHECK(written == held);
        for (int number = 0; number != 3 * 1'024; ++number) {
            const auto item = co_await stopped.next();
            CHECK(item == number);
        }
    });
}

TEST_CASE("an item larger than the window comes whole, and one over the limit fails alone") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr Route<Stream<std::string>(int)> texts{"texts"};
    Routes routes;
    routes.add(texts, [](int size) -> Stream<std::string> {
        for (const char letter : {'a', 'b', 'c'}) {
            co_yield std::string(static_cast<std::size_t>(size), letter);
            co_yield std::string(1, letter);
        }
    });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        for (const int size : {100'000, 3'000'000}) {
            auto stream = co_await pair.client().open(texts, size);
            for (const char letter : {'a', 'b', 'c'}) {
                const auto large = co_await stream.next();
                CHECK((large == std::string(static_cast<std::size_t>(size), letter)));
                const auto small = co_await stream.next();
                CHECK(small == std::string(1, letter));
            }
            const auto end = co_await stream.next();
            CHECK_FALSE(end.has_value());
        }
    });
}

TEST_CASE("an item over the other side's limit is an error where it is written, and the stream goes on") {
    std::optional<Error> refused;
    constexpr Route<Stream<std::string>()> texts{"texts"};
    Routes routes;
    routes.add(texts, [&](StreamWriter<std::string> out) -> asio::awaitable<void> {
        const std::string large(100'000, 'l');
        refused = co_await error_of(out.write(large));
        co_await out.write("small");
    });
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    test::RouteServer server(context, meeting.at_server(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        auto options = test::quick_client();
        options.limits.max_message = 64 * 1024;
        test::RouteClient client(context, meeting.at_client(server), {}, options);
        auto stream = co_await client.open(texts);
        const auto item = co_await stream.next();
        CHECK(item == "small");
        CHECK(refused->code == errc::message_too_large);
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("an item that is of another type is an error of its own") {
    Routes routes;
    routes.add("mixed", [](int) -> Stream<nlohmann::json> {
        co_yield 1;
        co_yield "two";
        co_yield 3;
    });
    RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto stream = co_await pair.client().open(Route<Stream<int>(int)>{"mixed"}, 0);
        const auto one = co_await stream.next();
        CHECK(one == 1);
        const auto two = co_await stream.try_next();
        REQUIRE_FALSE(two);
        CHECK(two.error().kind == Error::Kind::serializer);
        const auto three = co_await stream.next();
        CHECK(three == 3);
    });
}

TEST_CASE("a lost connection ends its streams, with how many items were read") {
    std::optional<Error> at_server;
    test::Event done;
    Routes routes;
    routes.add(endless, [&](StreamWriter<int> out) -> asio::awaitable<void> {
        for (int number = 0; !at_server; ++number) {
            const Error error = co_await error_of(out.write(number));
            if (error.code) {
                at_server = error;
            }
        }
        CHECK(out.acknowledged() >= 1'024);
        done.set();
    });
    RoutePair pair(Transport::tcp, routes);
    pair.run([&]() -> asio::awaitable<void> {
        test::Relay relay(pair.context, pair.server.connector_state());
        auto options = test::quick_client("other");
        test::RouteClient client(pair.context, relay.connector(), {}, options);
        auto stream = co_await client.open(endless);
        for (int number = 0; number != 2'000; ++number) {
            co_await stream.next();
        }
        relay.cut();
        const Error error = co_await failure_of(stream);
        CHECK(error.code == errc::connection_lost);
        co_await done.wait();
        CHECK(at_server->code == errc::connection_lost);
        CHECK_THAT(at_server->message, Catch::Matchers::ContainsSubstring("items sent"));
        co_await client.close();
    });
}

TEST_CASE("the Python library and older peers open no streams") {
    RoutePair pair(Transport::local, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        auto old = co_await test::ScriptedPeer::greet(pair.server.connector_state(), "old");
        const Error error = co_await error_of(pair.server.client("old").open(count_to, 1));
        CHECK(error.code == errc::not_supported);
        // What they send under the types of streams is a notification to them.
        co_await old.send(test::message_frame(R"({"id": "1", "type": 7, "route": "count"})", "1"));
        co_await old.send(test::message_frame(R"({"id": "1", "type": 8})", "1"));
        co_await old.send(test::message_frame(R"({"id": "2", "type": 1, "route": "none"})", "1"));
        const auto answer = co_await old.read_message();
        CHECK(answer.id() == "2");
        old.cut();
    });
}

TEST_CASE("closing an entity ends its streams, on both sides") {
    const auto transport = GENERATE(test::every_transport());
    const bool by_server = GENERATE(false, true);
    CAPTURE(transport, by_server);
    std::optional<Error> at_server;
    test::Event done;
    Routes routes;
    routes.add(endless, [&](StreamWriter<int> out) -> asio::awaitable<void> {
        for (int number = 0; !at_server; ++number) {
            const Error error = co_await error_of(out.write(number));
            if (error.code) {
                at_server = error;
            }
        }
        done.set();
    });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto stream = co_await pair.client().open(endless);
        co_await stream.next();
        if (by_server) {
            pair.server.stop();
        } else {
            pair.client().stop();
        }
        const Error error = co_await failure_of(stream);
        CHECK(error.code == errc::closed);
        co_await done.wait();
        CHECK(at_server->code == errc::closed);
    });
}

TEST_CASE("streams take other tokens, and cancelling a read loses no item") {
    Routes routes;
    test::Event go_on;
    routes.add(endless, [&]() -> Stream<int> {
        co_yield 1;
        co_await go_on.wait();
        co_yield 2;
    });
    RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        std::optional<Stream<int>> opened;
        test::Event is_open;
        pair.client().open(endless, [&](const std::exception_ptr& error, Stream<int> stream) {
            CHECK_FALSE(error);
            opened = std::move(stream);
            is_open.set();
        });
        co_await is_open.wait();
        std::optional<int> first;
        test::Event has_come;
        opened->next([&](const std::exception_ptr& error, std::optional<int> item) {
            CHECK_FALSE(error);
            first = item;
            has_come.set();
        });
        co_await has_come.wait();
        CHECK(first == 1);

        asio::cancellation_signal signal;
        std::optional<Error> cancelled;
        test::Event is_cancelled;
        opened->next(
            asio::bind_cancellation_slot(signal.slot(), [&](const std::exception_ptr& error, std::optional<int>) {
                cancelled = Error::from(error);
                is_cancelled.set();
            }));
        co_await asio::post(pair.context, asio::use_awaitable);
        co_await asio::post(pair.context, asio::use_awaitable);
        signal.emit(asio::cancellation_type::terminal);
        co_await is_cancelled.wait();
        CHECK(cancelled->code == asio::error::operation_aborted);
        go_on.set();
        const auto second = co_await opened->next();
        CHECK(second == 2);
        const auto end = co_await opened->next();
        CHECK_FALSE(end.has_value());
    });
}

TEST_CASE("simple entities have streams, too") {
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    communica::SimpleServer server(context, meeting.at_server(), [](int last) -> Stream<int> {
        for (int number = 1; number <= last; ++number) {
            co_yield number;
        }
    });
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::SimpleClient client(context, meeting.at_client(server));
        auto stream = co_await client.open<Stream<int>(int)>(3);
        const auto items = co_await read_all(stream);
        CHECK(items == std::vector{1, 2, 3});
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("an interceptor is wrapped around a stream's handler") {
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    int intercepted = 0;
    communica::ServerOptions options;
    options.interceptor = [&](communica::Context& at, communica::NextHandler next) -> asio::awaitable<void> {
        ++intercepted;
        if (at.header("key") != "right") {
            throw RequesterError("wrong key", 401);
        }
        co_await next();
    };
    test::RouteServer server(context, meeting.at_server(), plain_routes(), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server));
        auto refused = co_await client.open(count_to, 3);
        const Error error = co_await failure_of(refused);
        CHECK(error.message == "wrong key");
        const communica::Header key{"key", "right"};
        auto stream = co_await client.open(count_to, 3, communica::RequestOptions{.headers = {&key, 1}});
        const auto items = co_await read_all(stream);
        CHECK(items.size() == 3);
        CHECK(intercepted == 2);
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("what a stream's handler throws is told also where the interceptor keeps it to itself") {
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    communica::ServerOptions options;
    options.interceptor = [](communica::Context&, communica::NextHandler next) -> asio::awaitable<void> {
        try {
            co_await next();
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
    };
    Routes routes;
    routes.add(endless, []() -> Stream<int> {
        co_yield 1;
        throw RequesterError("not more");
    });
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server));
        auto stream = co_await client.open(endless);
        const Error error = co_await failure_of(stream);
        CHECK(error.message == "not more");
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("a thousand streams at once keep apart") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, plain_routes());
    pair.run([&]() -> asio::awaitable<void> {
        std::vector<Stream<int>> streams;
        for (int number = 0; number != 1'000; ++number) {
            streams.push_back(co_await pair.client().open(range, number, number + 19));
        }
        for (int item = 0; item != 20; ++item) {
            for (int number = 0; number != 1'000; ++number) {
                const auto next = co_await streams[static_cast<std::size_t>(number)].next();
                REQUIRE(next == number + item);
            }
        }
        for (auto& stream : streams) {
            const auto end = co_await stream.next();
            REQUIRE_FALSE(end.has_value());
        }
    });
}

TEST_CASE("more streams than the limit are refused as busy, until one has ended") {
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    Routes routes;
    routes.add(endless, []() -> Stream<int> {
        for (int number = 0;; ++number) {
            co_yield number;
        }
    });
    communica::ServerOptions options;
    options.limits.max_streams = 2;
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server));
        auto first = co_await client.open(endless);
        {
            auto second = co_await client.open(endless);
            const Error error = co_await error_of(client.open(endless));
            CHECK(error.code == errc::busy);
        }
        auto third = co_await client.open(endless);
        const auto item = co_await third.next();
        CHECK(item == 0);
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE(
    "what streams hold unread counts for the entity: over its limit a stream ends as busy, and requests are served") {
    constexpr std::size_t limit = 4 * 1024 * 1024;
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    Routes routes;
    std::vector<Stream<std::string>> kept;
    test::Event never;
    routes.add(join, [&](const std::string&, Stream<std::string> words) -> asio::awaitable<std::string> {
        kept.push_back(std::move(words));
        co_await never.wait();
        co_return "";
    });
    routes.add("echo", [](int value) { return value; });
    communica::ServerOptions options;
    options.limits.max_inflight_bytes_in_all = limit;
    options.limits.max_inflight_bytes = limit;
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server));
        const std::string word(1'000, 'w');
        const std::string separator;
        std::vector<Upload<std::string, std::string>> uploads;
        int busy = 0;
        for (int number = 0; number != 40; ++number) {
            auto upload = co_await client.open(join, separator);
            Error error;  // may come at any of them
            for (int item = 0; item != 230 && !error.code; ++item) {
                error = co_await error_of(upload.write(word));
            }
            const int back = co_await client.request<int>("echo", number);  // behind them
            CHECK(back == number);
            if (!error.code) {
                error = co_await error_of(upload.write(word));
            }
            if (error.code) {
                CHECK(error.code == errc::busy);
                ++busy;
            } else {
                uploads.push_back(std::move(upload));
            }
        }
        CHECK(busy > 10);
        CHECK(uploads.size() > 10);
        never.set();
        co_await client.close();
        co_await server.close();
    });
}

TEST_CASE("a context that is destroyed takes streams with it that wait") {
    test::Meeting meeting(Transport::memory);
    auto left = std::make_shared<int>(0);
    const std::weak_ptr<int> weak = left;
    {
        asio::io_context context;
        Routes routes;
        routes.add(endless, [left]() -> Stream<int> {
            const auto kept = left;
            co_yield 1;
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        });
        left.reset();
        auto server = std::make_unique<test::RouteServer>(context, meeting.at_server(), routes);
        auto client = std::make_unique<test::RouteClient>(context, meeting.at_client(*server));
        test::Event reads;
        test::spawn(context, [](test::RouteServer& s, test::RouteClient& c, test::Event& r) -> asio::awaitable<void> {
            co_await s.start();
            auto stream = co_await c.open(endless);
            co_await stream.next();
            r.set();
            co_await stream.next();
        }(*server, *client, reads));
        test::run(context, [&]() -> asio::awaitable<void> { co_await reads.wait(); });
    }
    CHECK(weak.expired());
}

}  // namespace streams
