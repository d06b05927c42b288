// Segments of lent memory and descriptors of messages over one connection, and a peer that mixes them up.
#include "support/descriptors_linux.hpp"
#include "support/frames.hpp"
#include "support/pair.hpp"
#include "support/shared_memory_stranger.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/shared_memory.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace control_socket_tests {

using communica::Buffer;
using communica::Descriptor;
using communica::SharedMemoryConnector;
using communica::SharedMemoryOptions;
using communica::detail::LentSegments;
using communica::detail::SealedMemory;
using test::ask;
using test::frame_of;
using test::memory_file;
using test::message_frame;
using test::permission;
using test::Stranger;
using test::text_of;
using test::u32;

namespace {

constexpr communica::Route<Buffer(Buffer), communica::BytesSerializer> echo{"echo"};
constexpr std::size_t size = 64 * 1024;
std::string metadata_for(std::string_view route) {
    return R"({"id": "1", "type": 1, "route": ")" + std::string(route) + "\"}";
}
const std::string read_first = message_frame(metadata_for("read"), "[0]");
std::string echo_lent(std::uint32_t segment, std::size_t length) {
    return test::lent_frame(segment, 0, length, metadata_for("echo"));
}

SharedMemoryConnector connector_in(const test::TemporaryDirectory& directory, std::size_t max_lent) {
    SharedMemoryOptions options;
    options.local.directory = directory.path();
    options.max_lent = max_lent;
    return SharedMemoryConnector("control", options);
}

test::Routes routes() {
    test::Routes made;
    made.add("read", [](const std::vector<Descriptor>& files) {
        std::string all;
        for (const Descriptor& file : files) {
            all += text_of(file);
        }
        return all;
    });
    made.add(echo, [](Buffer body) { return body; });
    return made;
}

/// A server, and a peer that says what it wants over the socket and in the ring.
struct Serving {
    explicit Serving(std::size_t max_lent = SharedMemoryOptions().max_lent)
        : connector(connector_in(directory, max_lent)), server(context, connector, routes(), options()) {}

    communica::ServerOptions options() {
        communica::ServerOptions made;
        made.log = [](communica::LogLevel, std::string_view) {};
        made.on_disconnect = [this](const std::string&, const communica::Error& why) {
            ending = why.message;
            ended.set();
        };
        return made;
    }

    /// Runs `body(stranger)`. Nothing is open or mapped afterwards.
    template <class Body>
    void run(Body body) {
        const test::NoneLeft none_left;
        const std::size_t most = SharedMemoryOptions().max_lent;
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            {
                Stranger stranger(context, connector);
                co_await stranger.greet(most);
                co_await body(stranger);
            }
            co_await ended.wait();
            co_await server.close();
        });
        test::run_out(context);
        CHECK(test::mapped().count == 0);
    }

    asio::io_context context;
    test::TemporaryDirectory directory;
    SharedMemoryConnector connector;
    std::string ending;
    test::Event ended;
    communica::RouteServer<SharedMemoryConnector> server;
};

void send(Stranger& stranger, const std::string& signs, const std::vector<Descriptor>& files) {
    std::vector<int> numbers;
    for (const Descriptor& file : files) {
        numbers.push_back(file.get());
    }
    stranger.say(signs, numbers);
}
std::vector<Descriptor> files_with(const std::vector<std::string>& texts) {
    std::vector<Descriptor> files;
    for (const std::string& text : texts) {
        files.push_back(memory_file(text));
    }
    return files;
}
/// A segment that begins with this text.
std::vector<Descriptor> segment_with(std::string_view text) {
    std::vector<Descriptor> files;
    files.push_back(SealedMemory::make_file(size));
    const auto memory = *SealedMemory::map(files.front(), size);
    std::ranges::copy(text, memory.start());
    return files;
}
const std::string segment_sign(1, LentSegments::announcement);
const std::string descriptors_sign(1, '\1');
const std::string room_sign(1, '\0');

/// What the answer with these bytes of this segment begins with.
std::string echoed(std::uint32_t segment, std::size_t length) { return '\x20' + u32(segment) + u32(0) + u32(length); }

const std::string of_first = echoed(0, 4);

asio::awaitable<void> expect(Stranger& stranger, std::string_view part) {
    std::string got;
    while (got.find(part) == got.npos) {
        got += co_await stranger.read();
    }
}

}  // namespace

TEST_CASE("segments and descriptors of messages reach their frames, whichever of them is sent first") {
    Serving serving;
    serving.run([](Stranger& stranger) -> asio::awaitable<void> {
        for (std::uint32_t round = 0; round != 4; ++round) {
            stranger.write(ask);
            co_await expect(stranger, permission);
            send(stranger, room_sign, {});
            if (round % 2 == 0) {
                send(stranger, segment_sign, segment_with("lent"));
                send(stranger, descriptors_sign, files_with({"passed"}));
            } else {
                send(stranger, descriptors_sign, files_with({"passed"}));
                send(stranger, room_sign, {});
                send(stranger, segment_sign, segment_with("lent"));
            }
            const std::string of_segment = echo_lent(2 * round, 4);
            const std::string of_file = frame_of(1) + read_first;
            const std::string file = "\"passed\"";
            const std::string segment = echoed(2 * round, 4);
            stranger.write(round < 2 ? of_file : of_segment);
            co_await expect(stranger, round < 2 ? file : segment);
            stranger.write(round < 2 ? of_segment : of_file);
            co_await expect(stranger, round < 2 ? segment : file);
        }
    });
}

TEST_CASE("a segment among the descriptors of a message is a file, and does not count as a segment") {
    Serving serving;
    serving.run([](Stranger& stranger) -> asio::awaitable<void> {
        stranger.write(ask);
        co_await expect(stranger, permission);
        send(stranger, descriptors_sign, segment_with("a file"));
        stranger.write(frame_of(1) + read_first);
        co_await expect(stranger, "a file");
        send(stranger, segment_sign, segment_with("lent"));
        stranger.write(echo_lent(0, 4));
        co_await expect(stranger, of_first);
    });
}

TEST_CASE("descriptors of a message that nobody permitted are closed, also where segments arrive") {
    const std::size_t max_lent = GENERATE(SharedMemoryOptions().max_lent, 0);
    Serving serving(max_lent);
    serving.run([&](Stranger& stranger) -> asio::awaitable<void> {
        const std::size_t before = test::open_descriptors();
        send(stranger, descriptors_sign, files_with({"unasked"}));
        send(stranger, descriptors_sign, files_with({"unasked", "unasked"}));
        stranger.write(ask);
        co_await expect(stranger, permission);
        stranger.write(frame_of(0) + read_first);
        co_await expect(stranger, "did not pass all descriptors");
        if (max_lent != 0) {
            send(stranger, segment_sign, segment_with("lent"));
            stranger.write(echo_lent(0, 4));
            co_await expect(stranger, of_first);
            CHECK(test::open_descriptors() == before);
        }
    });
}

TEST_CASE("a peer that mixes up segments and descriptors of messages loses its connection, and is told why") {
    struct Case {
        std::string says;
        std::function<void(Stranger&)> lie;
    };
    const std::string read_lent = echo_lent(0, 4);
    const auto sending = [](const std::string& signs, std::function<std::vector<Descriptor>()> files,
                            const std::string& frames) {
        return [=](Stranger& stranger) {
            send(stranger, signs, files());
            stranger.write(frames);
        };
    };
    const auto one_file = [] { return files_with({"file"}); };
    const auto two_segments = [] {
        std::vector<Descriptor> files = segment_with("\"a\"");
        files.push_back(Descriptor::duplicate_of(files.front().get()));
        return files;
    };
    const auto a_segment = [] { return segment_with("lent"); };
    const std::vector<Case> cases{
        {"not a sealed file", sending(segment_sign, one_file, frame_of(1) + read_first)},
        {"several descriptors of a segment", sending(segment_sign, two_segments, read_lent)},
        {"not asked for", sending(room_sign, a_segment, read_lent)},
        {"not asked for", sending("x", one_file, frame_of(1) + read_first)},
        {"not asked for", sending(segment_sign + room_sign, a_segment, read_lent)},
        {"the peer does not have", sending(descriptors_sign, a_segment, read_lent)},
        {"the peer does not have", sending(
                                       segment_sign, [] { return std::vector<Descriptor>(); }, read_lent)},
        {"in lent memory",
         [&](Stranger& stranger) {
             send(stranger, segment_sign, a_segment());
             send(stranger, descriptors_sign, one_file());
             stranger.write(frame_of(1) + read_lent);
         }},
        {"not asked for",
         [&](Stranger& stranger) {
             send(stranger, descriptors_sign, one_file());
             send(stranger, descriptors_sign, one_file());
             stranger.write(read_lent);
         }},
    };
    for (const Case& one : cases) {
        CAPTURE(&one - cases.data(), one.says);
        Serving serving;
        serving.run([&](Stranger& stranger) -> asio::awaitable<void> {
            stranger.write(ask);
            co_await expect(stranger, permission);
            one.lie(stranger);
            co_await stranger.expect_end();
        });
        CAPTURE(serving.ending);
        const bool is_told = serving.ending.find(one.says) != serving.ending.npos;
        CHECK(is_told);
    }
}

TEST_CASE("where nothing is lent, a segment ends the connection") {
    Serving serving(0);
    serving.run([](Stranger& stranger) -> asio::awaitable<void> {
        send(stranger, segment_sign, segment_with("lent"));
        stranger.write(ask);
        co_await expect(stranger, permission);
        stranger.write(frame_of(1) + read_first);
        co_await stranger.expect_end();
    });
    CHECK(serving.ending.find("not asked for") != std::string::npos);
}

TEST_CASE("threads send lent bodies and descriptors over one connection") {
    const test::NoneLeft none_left;
    constexpr int rounds = 100;
    test::TemporaryDirectory directory;
    asio::io_context context;
    const SharedMemoryConnector connector = connector_in(directory, SharedMemoryOptions().max_lent);
    communica::RouteServer<SharedMemoryConnector> server(context, connector, routes());
    communica::RouteClient<SharedMemoryConnector> client(context, connector);
    std::atomic<int> right = 0;
    std::atomic<int> lent = 0;
    const auto use = [&](int thread) -> asio::awaitable<void> {
        for (int round = 0; round != rounds; ++round) {
            // Other sizes need other segments.
            const std::string text(std::size_t{100'000} << (round % 4), static_cast<char>('a' + thread));
            Buffer body = co_await client.lend(text.size());
            lent += body.is_lent() ? 1 : 0;
            std::ranges::copy(text, body.data());
            body = co_await client.request(echo, std::move(body));
            right += body.text() == text ? 1 : 0;
            const std::vector<Descriptor> files = files_with({std::to_string(thread), std::to_string(round)});
            const auto read = co_await client.request<std::string>("read", files);
            right += read == std::to_string(thread) + std::to_string(round) ? 1 : 0;
        }
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        co_await test::run_on_threads(3, use);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(right == 2 * 3 * rounds);
    CHECK(lent > 0);
}

}  // namespace control_socket_tests
