#include "support/pair.hpp"

namespace simple {

using communica::errc;
using communica::Error;
using communica::SimplePeer;
using test::error_of;
using test::Meeting;
using test::TestConnector;

TEST_CASE("a simple client and a simple server ask each other") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const Meeting meeting(transport);
    std::vector<std::string> told;
    communica::SimpleServer server{context, meeting.at_server(),
                                   [](std::string text, SimplePeer<>& peer) -> asio::awaitable<std::string> {
                                       if (text == "ask back") {
                                           co_return co_await peer.request<std::string>("who?");
                                       }
                                       co_return "Thanks for your '" + text + "'!";
                                   }};

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::SimpleClient client{context, meeting.at_client(server),
                                       [&](std::string text, communica::Context& about) {
                                           if (about.is_notification()) {
                                               told.push_back(text);
                                           }
                                           return about.client_id() + about.route();
                                       },
                                       test::quick_client("ann")};
        co_await client.connect();
        CHECK_AWAITED("Thanks for your 'hello'!", client.request<std::string>("hello"));
        CHECK_AWAITED("ann", client.request<std::string>("ask back"));
        const Error error_of_type = co_await error_of(server.request<std::string>(1));
        CHECK(error_of_type.kind == Error::Kind::serializer);
        const Error error = co_await error_of(server.request<std::string>(nullptr));
        CHECK(error.kind == Error::Kind::serializer);
        CHECK_AWAITED("ann", server.client("ann").request<std::string>("who?"));
        co_await server.notify("news");
        co_await server.client("ann").notify("more");
        CHECK_AWAITED(1U, server.notify_all("most"));
        CHECK_AWAITED("ann", server.request<std::string>("who?"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(told == std::vector<std::string>{"news", "more", "most"});
}

TEST_CASE("a client without a handler answers that it has none") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const Meeting meeting(transport);
    communica::SimpleServer server{context, meeting.at_server(), [] {}};

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::SimpleClient client{context, meeting.at_client(server), test::quick_client("ann")};
        co_await client.connect();
        co_await server.notify("lost");
        const Error error = co_await error_of(server.request<int>(1));
        CHECK(error.kind == Error::Kind::requester);
        CHECK(error.code == errc::requester_error);
        CHECK(error.message == "There is no handler here");
        const auto result = co_await server.try_request<int>(1);
        REQUIRE(!result);
        CHECK(result.error().kind == Error::Kind::requester);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace simple
