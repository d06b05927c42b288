#include "support/pair.hpp"

#include <asio/redirect_error.hpp>

#include <system_error>
#include <type_traits>

namespace error_codes {

using communica::errc;
using test::RoutePair;
using test::Routes;

namespace {

/// Has no value by default.
struct Name {
    explicit Name(std::string t) : text(std::move(t)) {}
    std::string text;
};

Routes answering() {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    routes.add("fail", [](int) -> int { throw communica::RequesterError("no", 404); });
    routes.add("name", [](int number) { return Name("number " + std::to_string(number)); });
    routes.add("count", [](int most) -> communica::Stream<int> {
        for (int number = 0; number != most; ++number) {
            co_yield number;
        }
    });
    return routes;
}

}  // namespace
}  // namespace error_codes

template <>
struct communica::Converter<error_codes::Name> {
    static std::string dump(const error_codes::Name& name) { return name.text; }
    static error_codes::Name load(const std::string& text) { return error_codes::Name(text); }
};

namespace error_codes {

TEST_CASE("redirect_error puts the code of a failure into the variable, and throws nothing") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering(), answering());
    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        asio::error_code error = errc::busy;
        const auto into = [&] { return asio::redirect_error(asio::use_awaitable, error); };
        const int answer = co_await client.request<int>("echo", 7, into());
        CHECK(answer == 7);
        CHECK_FALSE(error);
        co_await client.request<int>("fail", 7, into());
        CHECK(error == errc::requester_error);
        co_await client.notify("echo", 7, into());
        CHECK_FALSE(error);
        co_await client.flush(into());
        CHECK_FALSE(error);
        const std::size_t notified = co_await pair.server.notify_all("echo", 7, into());
        CHECK_FALSE(error);
        CHECK(notified == 1);
        co_await client.wait_connected(into());
        CHECK_FALSE(error);
        constexpr communica::Route<communica::Stream<int>(int)> count{"count"};
        constexpr communica::Route<communica::Stream<int>(int)> missing{"missing"};
        const auto none = co_await client.open(missing, 1, into());
        CHECK(error == errc::requester_error);
        auto stream = co_await client.open(count, 1, into());
        CHECK_FALSE(error);
        const std::optional<int> first = co_await stream.next(into());
        CHECK(first == 0);
    });
}

TEST_CASE("the verbs of an entity take redirect_error") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), answering());
    asio::error_code error;
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto into = [&] { return asio::redirect_error(asio::use_awaitable, error); };
        co_await server.start(into());
        CHECK_FALSE(error);
        test::RouteClient client(context, meeting.at_client(server), answering(), test::quick_client());
        co_await client.connect(into());
        CHECK_FALSE(error);
        client.stop();
        co_await client.wait_connected(into());
        CHECK(error == errc::closed);
        co_await client.drain(test::patience, into());
        CHECK_FALSE(error);
        co_await client.close(into());
        co_await server.close(into());
        CHECK_FALSE(error);
    });
    test::run_out(context);
}

TEST_CASE("a callback may take an error code, also behind an adapter") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering(), answering());
    const auto strand = asio::make_strand(pair.context);
    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        int done = 0;
        client.request<int>("echo", 7,
                            [&](std::error_code error, int answer) { done += !error && answer == 7 ? 1 : 100; });
        client.request<int>("fail", 7, asio::bind_executor(strand, [&](std::error_code error, int) {
                                done += error == errc::requester_error && strand.running_in_this_thread() ? 1 : 100;
                            }));
        client.wait_connected(asio::bind_executor(
            strand, [&](std::error_code error) { done += !error && strand.running_in_this_thread() ? 1 : 100; }));
        client.notify("echo", 7, [&](std::error_code error) { done += error ? 100 : 1; });
        co_await test::until([&] { return done >= 4; });
        CHECK(done == 4);
    });
}

TEST_CASE("a verb with a callback of an error code can be cancelled by its slot") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::memory);
    const test::RouteServer server(context, meeting.at_server(), answering());  // which never listens
    test::RouteClient client(context, meeting.at_client(server), answering(), test::quick_client());
    asio::cancellation_signal signal;
    std::error_code ended;
    client.start();
    client.wait_connected(asio::bind_cancellation_slot(signal.slot(), [&](std::error_code error) { ended = error; }));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await asio::post(context, asio::use_awaitable);
        signal.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return ended == asio::error::operation_aborted; });
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a type without a default value can be awaited") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    static_assert(!std::is_default_constructible_v<Name>);
    RoutePair pair(transport, answering(), answering());
    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const Name name = co_await client.request<Name>("name", 3);
        CHECK(name.text == "number 3");
        const auto same = co_await client.try_request<Name>("name", 4);
        CHECK(same.value().text == "number 4");
        bool thrown = false;
        try {
            const Name nothing = co_await client.request<Name>("fail", 3);
        } catch (const communica::RequesterError& e) {
            thrown = e.status() == 404;
        }
        CHECK(thrown);
    });
}

TEST_CASE("entities can be moved, before they are started and after") {
    const auto transport = GENERATE(test::Transport::tcp, test::Transport::local, test::Transport::memory);
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::run(context, [&]() -> asio::awaitable<void> {
        test::RouteServer first(context, meeting.at_server(), answering());
        test::RouteServer server(std::move(first));
        co_await server.start();
        std::vector<test::RouteClient> clients;
        clients.emplace_back(context, meeting.at_client(server), answering(), test::quick_client("ann"));
        co_await clients.front().connect();
        clients.emplace_back(context, meeting.at_client(server), answering(), test::quick_client("bob"));
        CHECK_AWAITED(7, clients.front().request<int>("echo", 7));
        CHECK_AWAITED(8, clients.back().request<int>("echo", 8));
        clients.front() = std::move(clients.back());  // which ends ann
        clients.pop_back();
        CHECK(clients.front().client_id() == "bob");
        CHECK_AWAITED(9, clients.front().request<int>("echo", 9));
        co_await test::until([&] { return server.client_ids() == std::vector<std::string>{"bob"}; });
        co_await clients.front().close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace error_codes
