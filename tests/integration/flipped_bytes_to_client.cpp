// Every golden vector, with each of its bytes changed, as what a real client gets to hear.
#include "support/golden.hpp"
#include "support/golden_conversation.hpp"
#include "support/pair.hpp"
#include "support/raw_socket.hpp"
#include "support/sanitized.hpp"
#include "support/scripted_peer.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flipped_bytes_to_client {

using communica::errc;
using communica::Error;
using nlohmann::json;
using test::Kind;
using test::RawSocket;
using namespace std::chrono_literals;

namespace {

constexpr int changes[] = {0xff, 0x01};

struct Outcome {
    int completions = 0;
    std::optional<json> value = {};
    Error error = {};
    std::string request = {};  ///< the metadata of the client's, if it got so far
    std::string came = {};     ///< from the client behind its request
};

/// What is said to the client when its request has come. Knows which bytes may change the answer's value: those of a
/// body, and what says how much metadata a later chunk has, which receivers have to ignore.
struct Spoken {
    std::string bytes = {};
    std::vector<bool> may_change = {};

    void add(const std::string& frame, std::size_t body_size) {
        bytes += frame;
        may_change.resize(bytes.size() - body_size, false);
        may_change.resize(bytes.size(), true);
    }
    void add_later_chunk(const std::string& frame, std::size_t body_size) {
        constexpr std::size_t metadata_length = 4;
        bytes += frame;
        may_change.resize(bytes.size() - body_size - metadata_length, false);
        may_change.resize(bytes.size(), true);
    }
};

/// A client that asks once and hears `greeting` and `answer(id)`, and then nothing more.
Outcome converse(std::string_view greeting, const std::function<std::string(const std::string& id)>& answer) {
    Outcome outcome;
    asio::io_context context;
    auto [server, descriptor] = RawSocket::pair();
    auto options = test::quick_client("ann");
    options.resume_window = 0ms;
    options.backoff = communica::BackoffOptions{.first = 1h, .most = 1h};  // there is no other connection
    communica::SimpleClient client(
        context, communica::DescriptorConnector(descriptor), [](json value) { return test::golden_handler(value); },
        options);
    const auto settle = [&, &peer = server] {
        while (context.poll() != 0) {
            peer.receive();
        }
        peer.receive();
    };

    client.start();
    client.request<json>("question", {.timeout = test::patience}, [&](std::exception_ptr failure, json value) {
        ++outcome.completions;
        if (failure) {
            outcome.error = Error::from(failure);
        } else {
            outcome.value = std::move(value);
        }
    });
    settle();
    server.came.erase(0, server.came.find('\0') + 1);  // its hello
    server.send(greeting);
    settle();
    if (const auto heard = test::decode_frames(server.came).frames; !heard.empty() && heard[0].kind == Kind::message) {
        outcome.request = heard[0].metadata;
        server.came.clear();
        server.send(answer(json::parse(outcome.request).at("id").get<std::string>()));
    }
    server.end();
    settle();
    REQUIRE(server.ended);
    outcome.came = server.came;

    asio::co_spawn(context, client.close(), asio::detached);
    settle();
    REQUIRE(context.stopped());
    return outcome;
}

void check_promised(const Outcome& outcome) {
    REQUIRE(outcome.completions == 1);
    if (!outcome.value) {
        const std::vector<std::error_code> promised{
            errc::closed,           errc::connection_lost, errc::requester_error,   errc::responder_error,
            errc::serializer_error, errc::unknown_error,   errc::message_too_large, errc::handshake_failed,
            errc::protocol_error};  // what ended the only connection there can be
        INFO(outcome.error.code << " " << outcome.error.message);
        REQUIRE(std::find(promised.begin(), promised.end(), outcome.error.code) != promised.end());
    }
}

/// A vector's frames as an answer to the request `id`, as far as they can be one.
Spoken spoken_to(const std::string& id, std::string_view vector) {
    Spoken spoken;
    for (const auto& frame : test::decode_frames(vector).frames) {
        std::string metadata = frame.metadata;
        if (const auto at = metadata.find("\"id\": \""); at != metadata.npos) {
            metadata.replace(at + 7, metadata.find('"', at + 7) - at - 7, id);
        }
        if (frame.kind == Kind::close) {
            spoken.add(test::close_frame(), 0);
        } else if (frame.kind == Kind::chunk && frame.index != 0) {
            spoken.add_later_chunk(test::chunk_frame(frame.index, frame.total, "", frame.body), frame.body.size());
        } else if (frame.kind == Kind::chunk) {
            spoken.add(test::chunk_frame(frame.index, frame.total, metadata, frame.body), frame.body.size());
        } else {
            spoken.add(test::message_frame(metadata, frame.body), frame.body.size());
        }
    }
    return spoken;
}

/// The value that a client that asked gets from these frames, if they hold one.
std::optional<json> value_in(std::string_view vector) {
    const auto messages = test::decode_messages(vector).frames;
    const bool ok = messages.size() == 1 && messages[0].metadata.find("\"type\": 11") != std::string::npos &&
                    messages[0].metadata.find("\"id\": \"") != std::string::npos;
    auto value = ok ? test::load_body(messages[0].body) : json(json::value_t::discarded);
    return value.is_discarded() ? std::nullopt : std::optional<json>(std::in_place, std::move(value));
}

/// The frames that clients get to hear: the golden vectors, and those that belong together as one.
std::vector<std::pair<std::string, std::string>> vectors() {
    std::vector<std::pair<std::string, std::string>> all{
        {"chunks to the client", test::golden("chunk_s2c_max64_0of3") + test::golden("chunk_s2c_max64_1of3") +
                                     test::golden("chunk_s2c_max64_2of3")},
        {"chunks to the server",
         test::golden("chunk_c2s_0of3") + test::golden("chunk_c2s_1of3") + test::golden("chunk_c2s_2of3")}};
    for (const auto& vector : test::golden_vectors()) {
        if (vector.is_stream() && vector.bytes.front() == '\0' && !vector.name.starts_with("chunk")) {
            all.emplace_back(vector.name, vector.bytes);
        }
    }
    return all;
}

/// Changes every byte of every vector, one at a time.
void check_answers_with(int change) {
    int cases = 0;
    int right = 0;
    int values = 0;
    std::size_t first = 0;
    for (const auto& [name, bytes] : vectors()) {
        CAPTURE(name);
        const auto value = value_in(bytes);
        const auto whole =
            converse(test::server_hello, [&](const std::string& id) { return spoken_to(id, bytes).bytes; });
        check_promised(whole);
        REQUIRE(whole.value == value);
        values += value ? 1 : 0;
        const std::size_t size = spoken_to(std::string(32, '0'), bytes).bytes.size();
        for (std::size_t at = first++ % test::shown_every; at < size; at += test::shown_every) {
            CAPTURE(at, change);
            Spoken spoken;
            const auto outcome = converse(test::server_hello, [&](const std::string& id) {
                spoken = spoken_to(id, bytes);
                spoken.bytes[at] = static_cast<char>(spoken.bytes[at] ^ change);
                return spoken.bytes;
            });
            ++cases;
            check_promised(outcome);
            if (outcome.value) {
                REQUIRE(value.has_value());
                REQUIRE((outcome.value == value || spoken.may_change.at(at)));
                right += outcome.value == value ? 1 : 0;
            }
            REQUIRE(test::count_answers(outcome.came, test::expected_answers(spoken.bytes, false)).has_value());
        }
    }
    CHECK(values >= 5);
    CHECK(cases > 3000 / test::shown_every);
    CHECK(right > 5 / test::shown_every);  // a byte between the parts of the metadata, for one
}

}  // namespace

TEST_CASE("a client whose answer has a byte of wrong bits gets an error, the right value, or what the body says") {
    check_answers_with(0xff);
}

TEST_CASE("a client whose answer has a byte with one wrong bit gets an error, the right value, or what the body says") {
    check_answers_with(0x01);
}

TEST_CASE("a client that is greeted with a wrong byte takes the greeting, or ends the connection") {
    int answered = 0;
    int ended = 0;
    for (const char* name : {"server_hello", "client_hello", "handshake_failure_late", "handshake_failure_first"}) {
        CAPTURE(name);
        const std::string& greeting = test::golden(name);
        for (std::size_t at = 0; at < greeting.size(); at += test::shown_every) {
            for (const int change : changes) {
                CAPTURE(at, change);
                std::string bytes = greeting;
                bytes[at] = static_cast<char>(bytes[at] ^ change);
                const auto outcome = converse(bytes, [](const std::string& id) {
                    return test::message_frame(R"({"id": ")" + id + R"(", "type": 11})", "7");
                });
                check_promised(outcome);
                REQUIRE((!outcome.value || outcome.value == json(7)));
                ++(outcome.value ? answered : ended);
            }
        }
    }
    CHECK(answered > 5 / test::shown_every);
    CHECK(ended > 100 / test::shown_every);
}

}  // namespace flipped_bytes_to_client
