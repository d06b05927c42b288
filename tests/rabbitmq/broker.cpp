// The broker that the other tests have: each way of ending, holding up and asking it does what it says.
#include "support/broker.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/rabbitmq/frames.hpp>
#include <communica/connectors/rabbitmq/url.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#if __has_include(<rabbitmq-c/tcp_socket.h>)
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_tcp_socket.h>
#endif

namespace rabbitmq_broker_tests {

using communica::rabbitmq::Url;
using test::Broker;
using test::RawSocket;
using test::shared_broker;
using namespace std::chrono_literals;

namespace {

/// A connection that has said AMQP's protocol header.
RawSocket greet(const Broker& broker) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    asio::error_code error;
    socket.connect({asio::ip::address_v4::loopback(), Url::parse(broker.url()).hosts.at(0).port}, error);
    if (error) {
        throw std::system_error(error);
    }
    RawSocket raw(socket.release());
    REQUIRE(raw.send(communica::rabbitmq::protocol_header));
    return raw;
}

bool is_refused(const Broker& broker) {
    return test::code_of([&] { return greet(broker); }) == asio::error::connection_refused;
}

/// The first method that comes within the time.
amqp_method_number_t first_method(RawSocket& connection, std::chrono::steady_clock::duration longest = test::patience) {
    communica::rabbitmq::FrameDecoder decoder;
    amqp_method_number_t method = 0;
    while (method == 0) {
        connection.wait(longest);
        REQUIRE_FALSE(connection.ended);
        decoder.feed(connection.came, [&](const amqp_frame_t& frame) { method = frame.payload.method.id; });
        connection.came.clear();
    }
    return method;
}

void wait_for_end(RawSocket& connection) {
    while (!connection.ended) {
        connection.wait(test::patience);
    }
}

bool answers(const Broker& broker) {
    RawSocket connection = greet(broker);
    return first_method(connection) == AMQP_CONNECTION_START_METHOD;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

void declare_durable(Broker& broker, const std::string& queue) {
    const std::string declared = broker.evaluate("rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"" +
                                                 queue + "\">>), true, false, [], none, <<\"test\">>)");
    REQUIRE(contains(declared, "new"));
}

/// Whether some process has this text in its environment.
bool is_in_an_environment(const std::string& text) {
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(process.path() / "environ");
        if (contains({std::istreambuf_iterator<char>(file), {}}, text)) {
            return true;
        }
    }
    return false;
}

/// What the node has started notices its end a moment later.
bool is_out_of_environments(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (is_in_an_environment(text)) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
    }
    return true;
}

/// A client that publishes, by rabbitmq-c's own sockets, and wants to be told when it is blocked.
class Publisher {
 public:
    explicit Publisher(const Broker& broker) : state_(amqp_new_connection(), &amqp_destroy_connection) {
        amqp_socket_t* const socket = amqp_tcp_socket_new(state_.get());
        REQUIRE(amqp_socket_open(socket, "127.0.0.1", Url::parse(broker.url()).hosts.at(0).port) == AMQP_STATUS_OK);
        amqp_table_entry_t capability{amqp_cstring_bytes("connection.blocked"), {}};
        capability.value.kind = AMQP_FIELD_KIND_BOOLEAN;
        capability.value.value.boolean = 1;
        amqp_table_entry_t capabilities{amqp_cstring_bytes("capabilities"), {}};
        capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
        capabilities.value.value.table = {1, &capability};
        const amqp_table_t properties{1, &capabilities};
        REQUIRE(amqp_login_with_properties(state_.get(), "/", 0, AMQP_DEFAULT_FRAME_SIZE, 0, &properties,
                                           AMQP_SASL_METHOD_PLAIN, "guest", "guest")
                    .reply_type == AMQP_RESPONSE_NORMAL);
        REQUIRE(amqp_channel_open(state_.get(), 1) != nullptr);
    }

    void publish() {
        REQUIRE(amqp_basic_publish(state_.get(), 1, amqp_empty_bytes, amqp_cstring_bytes("nobody"), 0, 0, nullptr,
                                   amqp_cstring_bytes("something")) == AMQP_STATUS_OK);
    }

    /// The next method that the broker sends of itself.
    amqp_method_number_t next_method() {
        ::timeval patience{.tv_sec = std::chrono::seconds(test::patience).count(), .tv_usec = 0};
        amqp_frame_t frame{};
        REQUIRE(amqp_simple_wait_frame_noblock(state_.get(), &frame, &patience) == AMQP_STATUS_OK);
        return frame.payload.method.id;
    }

 private:
    std::unique_ptr<amqp_connection_state_t_, decltype(&amqp_destroy_connection)> state_;
};

TEST_CASE("a broker answers AMQP's protocol header at its URL") {
    Broker& broker = shared_broker();
    CHECK(broker.url().starts_with("amqp://guest:guest@127.0.0.1:"));
    CHECK(answers(broker));
    CHECK(broker.tls_url().empty());
}

TEST_CASE("a stopped broker is back at its URL with what is durable") {
    Broker& broker = shared_broker();
    const std::string url = broker.url();
    declare_durable(broker, "kept");
    RawSocket connection = greet(broker);
    CHECK(first_method(connection) == AMQP_CONNECTION_START_METHOD);

    broker.stop();
    wait_for_end(connection);
    CHECK(is_refused(broker));

    broker.start();
    CHECK(broker.url() == url);
    CHECK(answers(broker));
    CHECK(contains(broker.ctl("--quiet list_queues name"), "kept"));
}

TEST_CASE("a killed broker is gone at once and can be started again") {
    Broker& broker = shared_broker();
    RawSocket connection = greet(broker);
    const std::string id = broker.evaluate("os:getpid()");

    broker.kill();
    wait_for_end(connection);
    CHECK(is_refused(broker));

    broker.start();
    CHECK(answers(broker));
    CHECK(broker.evaluate("os:getpid()") != id);
}

TEST_CASE("a paused broker holds its connections and answers nothing until it is resumed") {
    Broker& broker = shared_broker();
    broker.pause();
    RawSocket connection = greet(broker);  // the system takes it up
    CHECK_THROWS_AS(first_method(connection, 300ms), std::runtime_error);
    CHECK_FALSE(connection.ended);

    broker.resume();
    CHECK(first_method(connection) == AMQP_CONNECTION_START_METHOD);
}

TEST_CASE("a paused broker can be stopped and killed") {
    Broker& broker = shared_broker();
    broker.pause();
    broker.stop();
    CHECK(is_refused(broker));
    broker.start();
    broker.pause();
    broker.kill();
    CHECK(is_refused(broker));
    broker.start();
    CHECK(answers(broker));
}

TEST_CASE("publishers are blocked while the memory alarm is raised") {
    Broker& broker = shared_broker();
    Publisher publisher(broker);
    broker.raise_memory_alarm();
    publisher.publish();
    CHECK(publisher.next_method() == AMQP_CONNECTION_BLOCKED_METHOD);

    broker.clear_memory_alarm();
    CHECK(publisher.next_method() == AMQP_CONNECTION_UNBLOCKED_METHOD);
}

TEST_CASE("a broker obeys rabbitmqctl and says what it refuses") {
    Broker& broker = shared_broker();
    broker.ctl("--quiet add_user 'some one' \"a \\\"password\\\"\"");
    CHECK(contains(broker.ctl("--quiet list_users"), "some one"));
    CHECK(contains(broker.ctl("--quiet authenticate_user 'some one' 'a \"password\"'"), "uccess"));

    const std::string said =
        test::what_of([&] { return broker.ctl("set_permissions nobody '.*' '.*' '.*'"); }).value_or("");
    CHECK(contains(said, "nobody"));
    CHECK(contains(said, "does not exist"));
    CHECK(broker.evaluate("1 + 1") == "2");
    CHECK_THROWS_AS(broker.evaluate("1 +"), std::runtime_error);
}

TEST_CASE("a broker that can not start says what is in its way and leaves nothing") {
    const test::TemporaryDirectory directory;
    const std::uint16_t taken = Url::parse(shared_broker().url()).hosts.at(0).port;
    const auto said = test::what_of([&] { return Broker({.port = taken, .directory = directory.path()}).url(); });
    CHECK(contains(said.value_or(""), "could not start: port " + std::to_string(taken) + " is taken"));
    CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("nothing is left of a broker whose input has ended") {
    const test::TemporaryDirectory directory;
    const test::ProcessOptions options{.environment = {"TMPDIR=" + directory.path()}};
    const std::string script = COMMUNICA_TEST_DATA_DIR "/support/rabbitmq_broker";

    SECTION("while it runs") {
        test::Process process(script, {}, options);
        process.expect("amqp:");
        CHECK(is_in_an_environment(directory.path()));
        CHECK_FALSE(std::filesystem::is_empty(directory.path()));
        process.end_input();
        CHECK(process.wait() == test::in_order);
    }
    SECTION("while it starts") {
        test::Process process(script, {}, options);
        process.end_input();
        CHECK(process.wait() == test::in_order);
    }
    SECTION("while it is paused and rabbitmqctl waits for it") {
        test::Process process(script, {}, options);
        process.expect("amqp:");
        process.write_line("pause");
        process.expect("ok");
        process.write_line("ctl status");
        process.end_input();
        CHECK(process.wait(10s) == test::in_order);
    }
    CHECK(std::filesystem::is_empty(directory.path()));
    CHECK(is_out_of_environments(directory.path()));
}

}  // namespace

}  // namespace rabbitmq_broker_tests
