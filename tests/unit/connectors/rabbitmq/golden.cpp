// Every golden vector of RabbitMQ, written as a message and read out of its frames.
#include "support/golden.hpp"
#include "published.hpp"
#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/hand_out.hpp>

#include <map>

namespace rabbitmq_golden_tests {

namespace {

using namespace communica::rabbitmq;

const std::map<std::string, Kind> kinds_of_vectors{
    {"rmq_connect_request", Kind::connect_request},
    {"rmq_server_hello", Kind::handshake_next},
    {"rmq_client_hello", Kind::handshake_next},
    {"rmq_handshake_done", Kind::handshake_done},
    {"rmq_handshake_fail", Kind::handshake_fail},
    {"rmq_request", Kind::message},
    {"rmq_request_python", Kind::message},
    {"rmq_response", Kind::message},
    {"rmq_response_err_requester", Kind::message},
    {"rmq_throw", Kind::message},
    {"rmq_listening", Kind::listening},
    {"rmq_close", Kind::close},
};

/// The message that a delivery holds, queued again and published.
class Forwarder final : public communica::Receiver {
 public:
    void on_message(const communica::Message& message) override {
        communica::Buffer body;
        body.append(message.body);
        REQUIRE(queue_.push(communica::SendClass::request, message.metadata, body));
    }
    void on_discarded(std::string_view, communica::errc) override { FAIL("it was cut"); }
    void on_room() override {}
    void on_end(communica::Error) override {}

    test::Published published() {
        auto publication = queue_.pop("a queue", "a connection", false);
        REQUIRE(publication);
        return test::published(*std::move(publication));
    }

 private:
    MessageQueue queue_{nullptr, nullptr};
};

}  // namespace

TEST_CASE("every golden vector of RabbitMQ is the body of a message of its kind") {
    std::size_t vectors = 0;
    for (const auto& vector : test::golden_vectors()) {
        if (vector.is_stream()) {
            continue;
        }
        INFO(vector.name);
        ++vectors;
        Publication publication{.kind = kinds_of_vectors.at(vector.name)};
        publication.head = vector.bytes;
        const test::Published message = test::published(std::move(publication));
        CHECK(kind_named(message.type) == kinds_of_vectors.at(vector.name));
        CHECK(message.body == vector.bytes);
    }
    CHECK(vectors == kinds_of_vectors.size());
}

TEST_CASE("messages of the golden vectors that are handed out and sent again have the same bytes") {
    for (const auto& [name, kind] : kinds_of_vectors) {
        if (kind == Kind::message) {
            INFO(name);
            Forwarder forwarder;
            hand_out({.kind = kind, .body = test::golden(name)}, {}, forwarder);
            const test::Published message = forwarder.published();
            CHECK(message.type == "message");
            CHECK(message.body == test::golden(name));
        }
    }
}

}  // namespace rabbitmq_golden_tests
