// How many bytes may be held for others, and how long they may leave theirs unread: each limit below, at and above it,
// with a peer of ours and with one that offers nothing.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <asio/experimental/awaitable_operators.hpp>

#include <array>

namespace limits_of_memory {

using communica::errc;
using communica::Error;
using nlohmann::json;
using test::error_of;
using test::message_frame;
using test::RouteClient;
using test::Routes;
using test::ScriptedPeer;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

namespace {

using Clock = std::chrono::steady_clock;

/// What a request whose coroutine keeps a text holds besides its body: the coroutine, and the text's block without quotes.
constexpr std::size_t cost = communica::peer::call_cost + communica::codec::block_cost - 2;

/// A server with limits, and `steady`, a client whose requests have to go on all the while.
struct Limited {
    Limited(test::Transport transport, const communica::Limits& limits)
        : meeting(transport), server(context, meeting.at_server(), routes(), options_of(limits)) {}

    communica::ServerOptions options_of(const communica::Limits& limits) {
        communica::ServerOptions options;
        options.limits = limits;
        options.on_disconnect = [this](const std::string& id, const Error& why) { gone.emplace_back(id, why.code); };
        return options;
    }

    Routes routes() {
        Routes table;
        table.add("echo", [](json value) { return value; });
        table.add("give", [](std::size_t size) { return std::string(size, 'g'); });
        // Stays at work until the test lets it go.
        table.add("late", [this](std::string text) -> asio::awaitable<std::size_t> {
            const test::Event let_go;
            at_work.push_back(let_go);
            co_await let_go.wait();
            co_return text.size();
        });
        return table;
    }

    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            steady.emplace(context, meeting.at_client(server), test::quick_client("steady"));
            co_await steady->connect();
            co_await body();
            co_await check_steady();
            co_await steady->close();
            co_await server.close();
        });
        test::run_out(context);
    }

    asio::awaitable<void> check_steady() { CHECK_AWAITED(7, steady->request<int>("echo", 7)); }
    asio::awaitable<ScriptedPeer> script() { return ScriptedPeer::greet(server.connector_state(), "script"); }

    /// Puts a request of so many bytes to work. Its answer is counted.
    asio::awaitable<void> hold(RouteClient& client, std::size_t bytes) {
        const std::size_t before = at_work.size();
        client.request<std::size_t>("late", std::string(bytes - 2, 'x'),
                                    [this](std::exception_ptr failure, std::size_t) { answers += failure ? 0 : 1; });
        co_await test::until([&, before] { return at_work.size() == before + 1; });
    }
    asio::awaitable<void> let_go(std::size_t index) {
        const int before = answers;
        at_work.at(index).set();
        co_await test::until([&, before] { return answers == before + 1; });
    }

    asio::io_context context;
    test::Meeting meeting;
    std::vector<std::pair<std::string, std::error_code>> gone;
    std::vector<test::Event> at_work;
    int answers = 0;
    test::RouteServer server;
    std::optional<RouteClient> steady;
};

std::string text_of(std::size_t bytes_of_json) { return std::string(bytes_of_json - 2, 'x'); }

std::string request(const std::string& route, const std::string& body, const std::string& id = "1") {
    return message_frame(R"({"id": ")" + id + R"(", "type": 1, "route": ")" + route + "\"}", body);
}

void check_busy(const Error& error) {
    CHECK(error.code == errc::busy);
    CHECK(error.kind == Error::Kind::responder);
    CHECK(error.status == 503);
}
bool is_busy(const test::SeenMessage& message) {
    if (message.type() != 51) {
        return false;
    }
    const json body = json::parse(message.body);
    return body.at("code") == 503 && body.value("errc", "") == "busy" && body.at("message").is_string();
}

/// An entity of ours that does nothing at all while it is not woken: its process hangs, or is stopped.
struct Sleeper {
    explicit Sleeper(test::TestConnector connector, communica::ClientOptions options = test::quick_client("sleeper"))
        : client(context, std::move(connector), std::move(options)) {
        client.start();
    }
    ~Sleeper() {
        client.stop();
        context.restart();
        context.poll();
    }

    template <class Predicate>
    asio::awaitable<void> awake_until(Predicate predicate) {
        return test::until([this, predicate] {
            context.restart();
            context.poll();
            return predicate();
        });
    }

    asio::io_context context;
    RouteClient client;
};

}  // namespace

TEST_CASE("requests of a peer of ours may hold max_inflight_bytes bytes, and with a byte more the other side is busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_inflight_bytes = 10'000 + cost});

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient client(limited.context, limited.meeting.at_client(limited.server), test::quick_client("ann"));
        co_await client.connect();
        co_await limited.hold(client, 6000);
        CHECK_AWAITED(text_of(3999), client.request<std::string>("echo", text_of(3999)));
        check_busy(co_await error_of(client.request<std::string>("echo", text_of(4001))));
        co_await limited.hold(client, 4000 + 2 - communica::codec::block_cost);
        check_busy(co_await error_of(client.request<int>("echo", 1)));
        co_await limited.check_steady();
        co_await limited.let_go(1);
        CHECK_AWAITED(text_of(4000), client.request<std::string>("echo", text_of(4000)));
        co_await limited.let_go(0);
        const std::string most = text_of(10'000 + cost);
        CHECK_AWAITED(most, client.request<std::string>("echo", most));
        check_busy(co_await error_of(client.request<std::string>("echo", most + "x")));
        CHECK(limited.gone.empty());
        co_await client.close();
    });
}

TEST_CASE(
    "requests of one that offers nothing may hold max_inflight_bytes bytes, and with a byte more the server is busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_inflight_bytes = 10'000 + cost});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await limited.script();
        const auto ask = [&](std::size_t bytes) -> asio::awaitable<bool> {
            co_await script.send(request("echo", '"' + text_of(bytes) + '"'));
            const auto answer = co_await script.read_message();
            CHECK((answer.type() == 11 || is_busy(answer)));
            co_return answer.type() == 11;
        };
        co_await script.send(request("late", '"' + text_of(6000) + '"'));
        CHECK_AWAITED(true, ask(3999));
        CHECK_AWAITED(true, ask(4000));
        CHECK_AWAITED(false, ask(4001));
        co_await limited.check_steady();
        limited.at_work.at(0).set();
        const auto answer = co_await script.read_message();
        CHECK(answer.body == "5998");
        CHECK_AWAITED(true, ask(10'000 + cost));
        CHECK_AWAITED(false, ask(10'001 + cost));
        CHECK(limited.gone.empty());
    });
}

TEST_CASE(
    "who leaves its answers unread is answered busy beyond max_inflight_bytes, and as before when it has read them") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr std::size_t size = 1'000'000;
    constexpr int asked = 100;  // more than the sockets hold
    Limited limited(transport, {.max_inflight_bytes = 10 * size});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await limited.script();
        for (int number = 0; number != asked; ++number) {
            co_await script.send(request("give", std::to_string(size)));
        }
        co_await limited.check_steady();
        int given = 0;
        int busy = 0;
        int without_room = 0;  // carried out
        for (int number = 0; number != asked; ++number) {
            const auto answer = co_await script.read_message();
            given += answer.body.size() == size + 2 ? 1 : 0;
            busy += is_busy(answer) ? 1 : 0;
            without_room += answer.type() == 51 && !json::parse(answer.body).contains("errc") ? 1 : 0;
        }
        CHECK(given >= 9);
        CHECK(busy + without_room > 0);
        CHECK(given + busy + without_room == asked);
        co_await script.send(request("give", "1"));
        const auto answer = co_await script.read_message();
        CHECK(answer.body == "\"g\"");
        CHECK(limited.gone.empty());
    });
}

TEST_CASE("coroutines and metadata count against max_inflight_bytes, however small the bodies are") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_inflight_bytes = 1'000'000});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer tiny = co_await ScriptedPeer::greet(limited.server.connector_state(), "tiny");
        ScriptedPeer wordy = co_await ScriptedPeer::greet(limited.server.connector_state(), "wordy");
        for (ScriptedPeer* const peer : {&tiny, &wordy}) {
            const std::string more = peer == &wordy ? ", \"more\": \"" + std::string(60'000, 'm') + '"' : "";
            const std::string metadata = R"({"id": "1", "type": 1, "route": "late")" + more + "}";
            const std::string one = message_frame(metadata, "\"x\"");
            const int count = peer == &wordy ? 30 : 500;  // refusals repeat the metadata
            for (int number = 0; number != count; ++number) {
                co_await peer->send(one);
            }
            const auto refused = co_await peer->read_message();  // the first that is answered
            CHECK(is_busy(refused));
        }
        const std::size_t all = limited.at_work.size();
        CHECK(all >= 400 + 14);
        CHECK(all <= 1'000'000 / cost + 1'000'000 / 60'000 + 10);
        for (test::Event& event : limited.at_work) {
            event.set();
        }
    });
}

TEST_CASE("what a value becomes when it is loaded counts against max_inflight_bytes, and has a limit of its own") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_message = 200'000, .max_expansion = 4, .max_inflight_bytes = 700'000});

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient client(limited.context, limited.meeting.at_client(limited.server), test::quick_client("ann"));
        co_await client.connect();
        // An empty array takes two bytes on its way, and 56 as a tree.
        const auto arrays = [](int count) {
            return json(std::vector<json>(static_cast<std::size_t>(count), json::array()));
        };
        const auto outcome = co_await client.try_request<json>("echo", arrays(30'000));
        CHECK(outcome.error().code == errc::serializer_error);
        CHECK(outcome.error().message.ends_with("more memory than one message may take here"));
        CHECK_AWAITED(arrays(5000), client.request<json>("echo", arrays(5000)));

        std::vector<test::Event> held;
        limited.server.add_routes(Routes().add("keep", [&](json value) -> asio::awaitable<std::size_t> {
            held.emplace_back();
            const test::Event let_go = held.back();
            co_await let_go.wait();
            co_return value.size();
        }));
        std::vector<std::size_t> sizes;
        const auto keep = [&](int count) {
            client.request<std::size_t>("keep", arrays(count),
                                        [&](const std::exception_ptr& failure, std::size_t size) {
                                            CHECK_FALSE(failure);
                                            sizes.push_back(size);
                                        });
        };
        keep(8000);
        co_await test::until([&] { return held.size() == 1; });
        check_busy(co_await error_of(client.request<std::size_t>("keep", arrays(8000))));
        keep(1000);
        co_await test::until([&] { return held.size() == 2; });
        for (test::Event& event : held) {
            event.set();
        }
        co_await test::until([&] { return sizes.size() == 2; });
        CHECK(limited.gone.empty());
        co_await client.close();
    });
}

TEST_CASE("an answer that takes too much memory when it is loaded ends its request alone") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {});

    limited.run([&]() -> asio::awaitable<void> {
        communica::ClientOptions options = test::quick_client("ann");
        options.limits = {.max_message = 200'000, .max_expansion = 4};
        RouteClient client(limited.context, limited.meeting.at_client(limited.server), options);
        co_await client.connect();
        const json arrays = std::vector<json>(30'000, json::array());
        const auto outcome = co_await client.try_request<json>("echo", arrays);
        CHECK(outcome.error().code == errc::serializer_error);
        CHECK(outcome.error().message.ends_with("more memory than one message may take here"));
        CHECK_AWAITED(7, client.request<int>("echo", 7));
        co_await client.close();
    });
}

TEST_CASE(
    "all clients together may have max_inflight_bytes_in_all bytes held, and beyond it requests are answered busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr std::size_t step = communica::BudgetReservation::step;
    Limited limited(transport, {.max_inflight_bytes_in_all = 6 * step});

    limited.run([&]() -> asio::awaitable<void> {
        const auto connector = limited.meeting.at_client(limited.server);
        RouteClient ann(limited.context, connector, test::quick_client("ann"));
        RouteClient bob(limited.context, connector, test::quick_client("bob"));
        co_await ann.connect();
        co_await bob.connect();
        ScriptedPeer script = co_await limited.script();
        const auto is_let_in = [&]() -> asio::awaitable<bool> {
            co_await script.send(request("echo", "1"));
            const auto answer = co_await script.read_message();
            CHECK((answer.type() == 11 || is_busy(answer)));
            co_return answer.type() == 11;
        };
        co_await limited.hold(ann, 3 * step);
        CHECK_AWAITED(true, is_let_in());
        co_await limited.hold(ann, 3 * step);
        CHECK_AWAITED(true, is_let_in());  // at the limit
        co_await limited.check_steady();
        // A message that would need more is not even read to its end.
        check_busy(co_await error_of(ann.request<std::size_t>("give", std::string(5 * step, 'x'))));
        // What takes less than a step passes, until all that one client has makes a step.
        co_await limited.hold(bob, step * 2 / 3);
        CHECK_AWAITED(true, is_let_in());
        co_await limited.hold(bob, step * 2 / 3);
        CHECK_AWAITED(true, is_let_in());  // who holds nothing keeps a fair share
        check_busy(co_await error_of(bob.request<int>("echo", 1)));
        check_busy(co_await error_of(ann.request<int>("echo", 1)));
        co_await limited.let_go(2);
        CHECK_AWAITED(true, is_let_in());
        co_await limited.let_go(3);
        CHECK_AWAITED(1, bob.request<int>("echo", 1));
        co_await limited.let_go(0);
        co_await limited.let_go(1);
        CHECK_AWAITED(text_of(5 * step), ann.request<std::string>("echo", text_of(5 * step)));
        CHECK(limited.gone.empty());
        co_await ann.close();
        co_await bob.close();
    });
}

TEST_CASE("unfinished messages count against max_inflight_bytes_in_all, and are forgotten with their connections") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool chunked = GENERATE(false, true);
    CAPTURE(transport, chunked);
    // A chunk is held twice for a moment: as it came, and with those before it.
    const std::size_t size = chunked ? 250'000 : 400'000;
    const std::string text(600'000, 'x');
    Limited limited(transport, {.max_inflight_bytes_in_all = 1'000'000});
    const std::string metadata = R"({"id": "1", "type": 1, "route": "echo"})";
    const std::string unfinished = chunked ? test::chunk_frame(0, 3, metadata, '"' + std::string(size, 'x'))
                                           : message_frame(metadata, '"' + std::string(2 * size, 'x') + '"');

    limited.run([&]() -> asio::awaitable<void> {
        std::vector<ScriptedPeer> greedy;
        for (int number = 0; number != 2; ++number) {
            greedy.push_back(co_await ScriptedPeer::greet(limited.server.connector_state(), std::to_string(number)));
            co_await greedy.back().send(unfinished.substr(0, size + 60));
        }
        // The second finds no room, and is told so at once.
        const auto refused = co_await greedy[1].read_message();
        CHECK(is_busy(refused));
        check_busy(co_await error_of(limited.steady->request<std::string>("echo", text)));
        co_await limited.check_steady();
        CHECK(limited.gone.empty());
        for (ScriptedPeer& peer : greedy) {
            peer.cut();
        }
        co_await test::until([&] { return limited.gone.size() == 2; });
        CHECK_AWAITED(text, limited.steady->request<std::string>("echo", text));
    });
}

TEST_CASE("who does not read its refusals is cut off beyond max_refusals, and who reads them never") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_requests = 1, .max_refusals = 100'000});
    const std::string id(9000, 'i');  // refusals repeat it: few fill the sockets

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient client(limited.context, limited.meeting.at_client(limited.server), test::quick_client("ann"));
        co_await client.connect();
        co_await limited.hold(client, 10);
        const std::array headers{communica::Header{"h", id}};
        for (int number = 0; number != 30; ++number) {  // far more in all than the limit
            check_busy(co_await error_of(client.request<int>("echo", 1, {.headers = headers})));
        }

        ScriptedPeer reader = co_await limited.script();
        co_await reader.send(request("late", "\"x\""));
        for (int number = 0; number != 30; ++number) {
            co_await reader.send(request("echo", "1", id));
            const auto refused = co_await reader.read_message();
            CHECK(is_busy(refused));
        }
        CHECK(limited.gone.empty());

        ScriptedPeer deaf = co_await ScriptedPeer::greet(limited.server.connector_state(), "deaf");
        co_await deaf.send(request("late", "\"x\""));
        const auto send_on = [&]() -> asio::awaitable<void> {
            const std::string one = request("echo", "1", id);
            for (int number = 0; number != 5000; ++number) {
                co_await deaf.send(one);
            }
        };
        const auto see_it_go = [&]() -> asio::awaitable<void> {
            co_await test::until([&] { return !limited.gone.empty(); });
            deaf.cut();
        };
        const Error sent = co_await (error_of(send_on()) && see_it_go());
        CHECK(sent.code);
        CHECK(limited.gone.front() == std::pair<std::string, std::error_code>("deaf", errc::slow_peer));
        CHECK(limited.gone.size() == 1);
        co_await limited.let_go(0);
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await client.close();
    });
}

TEST_CASE("what waits for a connection may take max_unsent bytes, and with one more the queue is full") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr std::size_t body = 1000;
    const std::size_t each = sizeof(communica::peer::Outgoing) + std::string_view("\"echo\"").size() + body;
    const std::size_t slack = GENERATE(0u, 1u);  // whether three messages are exactly at the limit, or below
    communica::Limits limits{.max_unsent = 3 * each + slack};
    CAPTURE(slack);
    Limited limited(transport, limits);

    limited.run([&]() -> asio::awaitable<void> {
        communica::ClientOptions options = test::quick_client("ann");
        options.limits = limits;
        RouteClient client(limited.context, limited.meeting.at_client(limited.server), limited.routes(), options);
        int right = 0;
        const auto fill = [&](auto asker) -> asio::awaitable<void> {
            for (int number = 0; number != 3; ++number) {
                asker->template request<std::string>(
                    "echo", text_of(body),
                    [&](std::exception_ptr, const std::string& answer) { right += answer == text_of(body) ? 1 : 0; });
            }
            const Error full = co_await error_of(asker->template request<int>("echo", 1));
            CHECK(full.code == errc::queue_full);
            const Error notification = co_await error_of(asker->notify("echo", 1));
            CHECK(notification.code == errc::queue_full);
        };
        auto ann = limited.server.client("ann");
        co_await fill(&client);
        co_await fill(&ann);
        co_await client.connect();
        co_await test::until([&] { return right == 6; });
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        CHECK_AWAITED(1, ann.request<int>("echo", 1));
        co_await client.close();
    });
}

TEST_CASE("a connection that is not read fills up to max_unsent, and what was taken is answered when it is read") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport, {.max_unsent = 2'000'000});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer script = co_await limited.script();
        const std::string text(100'000, 'x');
        int taken = 0;
        int answered = 0;
        std::vector<std::error_code> failures;
        for (; failures.empty(); ++taken) {
            REQUIRE(taken != 1000);
            limited.server.client("script").request<int>("any", text, {.timeout = test::patience},
                                                         [&](std::exception_ptr failure, int) {
                                                             ++answered;
                                                             if (failure) {
                                                                 failures.push_back(Error::from(failure).code);
                                                             }
                                                         });
            co_await asio::post(limited.context, asio::use_awaitable);
            co_await asio::post(limited.context, asio::use_awaitable);
        }
        CHECK(failures.front() == errc::queue_full);
        CHECK(taken > 20);
        co_await limited.check_steady();
        const int full = static_cast<int>(failures.size());
        while (answered != taken) {
            const auto message = co_await script.read_message();
            CHECK(message.body.size() == text.size() + 2);
            const int before = answered;
            co_await script.send(message.answer(11, "1"));
            co_await test::until([&, before] { return answered != before; });
        }
        CHECK(static_cast<int>(failures.size()) == full);
        CHECK(limited.gone.empty());
    });
}

TEST_CASE("a peer of ours that hangs and reads nothing is cut off after write_timeout, and comes back when it wakes") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr auto stall = 200ms;
    Limited limited(transport, {.write_timeout = stall});

    limited.run([&]() -> asio::awaitable<void> {
        Sleeper sleeper(limited.meeting.at_client(limited.server));
        co_await sleeper.awake_until([&] { return sleeper.client.is_connected(); });
        co_await limited.server.client("sleeper").notify("any", std::string(30'000'000, 'x'));
        const auto begin = Clock::now();
        co_await test::until([&] { return !limited.gone.empty(); });
        CHECK(Clock::now() - begin > stall / 2);
        CHECK(limited.gone.front() == std::pair<std::string, std::error_code>("sleeper", errc::slow_peer));
        co_await limited.check_steady();
        std::optional<int> answer;  // asked on the connection that is gone: it does not know yet
        sleeper.client.request<int>("echo", 3, {.idempotent = true},
                                    [&](std::exception_ptr, int number) { answer = number; });
        co_await sleeper.awake_until([&] { return answer.has_value(); });
        CHECK(answer == 3);
        CHECK(limited.gone.size() == 1);
    });
}

TEST_CASE(
    "one that offers nothing and reads nothing is cut off after write_timeout, and one that reads slowly is not") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr auto stall = 2000ms;  // a busy machine may read nothing for a part of it
    Limited limited(transport, {.write_timeout = stall});

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer deaf = co_await ScriptedPeer::greet(limited.server.connector_state(), "deaf");
        ScriptedPeer slow = co_await ScriptedPeer::greet(limited.server.connector_state(), "slow");
        const std::string much = request("give", "30000000");
        co_await deaf.send(much);
        co_await slow.send(much);
        const auto begin = Clock::now();
        // Paced by the clock: to be slow is what is tried here.
        std::size_t read = 0;
        while (limited.gone.empty() || Clock::now() - begin < 2 * stall) {
            const auto next = Clock::now() + stall / 80;
            read += (co_await slow.read(100'000)).size();
            co_await test::until([&] { return Clock::now() > next; });
        }
        CHECK(limited.gone.front() == std::pair<std::string, std::error_code>("deaf", errc::slow_peer));
        co_await limited.check_steady();
        CHECK(limited.gone.size() == 1);
        CHECK(read < 30'000'000);
        co_await slow.read(30'000'000 - read);
        CHECK(limited.gone.size() == 1);
    });
}

}  // namespace limits_of_memory
