#include "files.hpp"

#include <asio/executor_work_guard.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace file_directory_tests {

using communica::Error;
using communica::FileError;
using communica::FileOffer;
using communica::FileOptions;
using communica::FilePart;
using communica::FileProgress;
using communica::FileRequest;
using communica::FileState;
using communica::is_file_name;
using communica::receive_file;
using communica::send_file;
using communica::Stream;
using communica::StreamWriter;
using namespace test;

namespace {

/// How a transfer fails: in which words, with which status, and whether at this side.
struct Failed {
    std::string what;
    std::int64_t status = 0;
    bool is_here = false;

    bool operator==(const Failed&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Failed& failed) {
    return out << failed.what << " (" << failed.status << (failed.is_here ? ", here)" : ")");
}

template <class T>
asio::awaitable<Failed> failure_of(asio::awaitable<T> transfer) {
    Failed failed{"none"};
    try {
        co_await std::move(transfer);
    } catch (const FileError& e) {
        failed = {e.what(), e.status().value_or(0), true};
    } catch (const communica::MessageError& e) {
        failed = {e.what(), e.status().value_or(0)};
    }
    co_return failed;
}

/// Sends these parts after the receiver's first word, and nothing else.
asio::awaitable<void> send_by_hand(test::RouteClient& client, FileOffer offer, std::vector<FilePart> parts) {
    auto stream = co_await client.open(upload, offer);
    const auto have = co_await stream.next();
    CHECK(have->size == 0);
    for (const auto& part : parts) {
        co_await stream.write(part);
    }
    stream.finish();
    co_await stream.next();
}

FilePart part_of(std::uint64_t at, std::string_view text, std::optional<std::string> checksum = {}) {
    FilePart part;
    part.at = at;
    part.data.resize(text.size());
    std::transform(text.begin(), text.end(), part.data.begin(), [](char byte) { return std::byte(byte); });
    part.checksum = std::move(checksum);
    return part;
}

}  // namespace

TEST_CASE("a name of a file is one on every system") {
    for (const char* name : {"a", "a.tar.gz", "console", "com10", "Übung.txt", "a b", "nul-file"}) {
        CAPTURE(name);
        CHECK(is_file_name(name));
    }
    for (const char* name :
         {"",     ".",  "..",  "../a", "a/b",   "/etc/passwd", "a\\b",           "C:",       "c:a",
          ".ssh", "a.", "a ",  "a\n",  "a\x7F", "nul",         "NUL.txt",        "con .txt", "Com1.log",
          "lpt9", "a*", "a?b", "a|b",  "\"a\"", "com\xC2\xB9", "LPT\xC2\xB3.txt"}) {
        CAPTURE(name);
        CHECK_FALSE(is_file_name(name));
    }
    CHECK(is_file_name(std::string(200, 'a')));
    CHECK_FALSE(is_file_name(std::string(201, 'a')));
    CHECK_FALSE(is_file_name(std::string("a\0b", 3)));
}

TEST_CASE("a transfer that fails says why, on both sides") {
    const auto transport = GENERATE(Transport::memory, Transport::local);
    CAPTURE(transport);
    const Directories directories;
    FileOptions limited;
    limited.max_size = 1000;
    RoutePair pair(transport, directories.routes(limited));
    const auto here = directories.client() / "here";
    const auto target = directories.client() / "target";
    write_file(here, "a line");
    write_file(directories.server() / "there", "another");
    std::filesystem::create_directory(directories.server() / "folder");
    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const auto missing = directories.client() / "missing";
        const Failed not_here = co_await failure_of(send_file(client, upload, missing));
        CHECK(not_here == Failed{missing.string() + ": No such file or directory", 404, true});
        const Failed no_file = co_await failure_of(send_file(client, upload, directories.client()));
        CHECK(no_file == Failed{directories.client().string() + ": not a regular file", 500, true});
        const Failed not_there = co_await failure_of(receive_file(client, download, "missing", target));
        CHECK(not_there == Failed{"missing: No such file or directory", 404});
        const Failed folder = co_await failure_of(receive_file(client, download, "folder", target));
        CHECK(folder == Failed{"folder: not a regular file", 500});
        const Failed outside = co_await failure_of(receive_file(client, download, "../there", target));
        CHECK(outside == Failed{"this is no name of a file here", 400});

        FileOptions options;
        options.name = "../here";
        const Failed named = co_await failure_of(send_file(client, upload, here, options));
        CHECK(named == Failed{"this is no name of a file here", 400});
        options.name = "there";
        const Failed there = co_await failure_of(send_file(client, upload, here, options));
        CHECK(there == Failed{"there: exists already", 409});
        const Failed exists = co_await failure_of(receive_file(client, download, "there", here));
        CHECK(exists == Failed{here.string() + ": exists already", 409, true});
        CHECK(read_file(here) == "a line");

        write_file(here, content_of(1001));
        const Failed large = co_await failure_of(send_file(client, upload, here));
        CHECK(large == Failed{"here has 1001 bytes, and at most 1000 are taken", 413});
    });
    CHECK(read_file(directories.server() / "there") == "another");
}

TEST_CASE("a file is replaced where the receiver agrees") {
    const Directories directories;
    FileOptions options;
    options.overwrite = true;
    RoutePair pair(Transport::memory, directories.routes(options));
    write_file(directories.client() / "file", "new");
    write_file(directories.client() / "back", "old, and longer");
    write_file(directories.server() / "file", "old");
    pair.run([&]() -> asio::awaitable<void> {
        co_await send_file(pair.client(), upload, directories.client() / "file");
        co_await receive_file(pair.client(), download, "file", directories.client() / "back", options);
    });
    CHECK(read_file(directories.server() / "file") == "new");
    CHECK(read_file(directories.client() / "back") == "new");
}

TEST_CASE("a file that changes while it is sent does not arrive") {
    const Directories directories;
    const auto source = directories.client() / "file";
    const auto served = directories.server() / "served";
    for (const auto& path : {source, served}) {
        write_file(path, content_of(300'000));
    }
    const bool becomes_shorter = GENERATE(false, true);
    CAPTURE(becomes_shorter);
    const auto change = [&](const std::filesystem::path& path, const FileProgress& progress) {
        if (progress.done == 0 && becomes_shorter) {
            std::filesystem::resize_file(path, 100'000);
        } else if (progress.done == 0) {
            std::filesystem::last_write_time(path,
                                             std::filesystem::file_time_type::clock::now() + std::chrono::hours{1});
        }
    };
    FileOptions at_server;
    at_server.on_progress = [&](const FileProgress& progress) {
        if (progress.name == "served") {
            change(served, progress);
        }
    };
    RoutePair pair(Transport::local, directories.routes(at_server));
    pair.run([&]() -> asio::awaitable<void> {
        FileOptions options;
        options.on_progress = [&](const FileProgress& progress) { change(source, progress); };
        const Failed sent = co_await failure_of(send_file(pair.client(), upload, source, options));
        CHECK(sent == Failed{source.string() + " changed while it was sent", 409, true});
        const auto target = directories.client() / "target";
        const Failed received = co_await failure_of(receive_file(pair.client(), download, "served", target));
        CHECK(received == Failed{"served changed while it was sent", 409});
        CHECK_FALSE(std::filesystem::exists(target));
    });
    CHECK_FALSE(std::filesystem::exists(directories.server() / "file"));
}

TEST_CASE("a sender that lies is refused, and what it sent is not kept") {
    const Directories directories;
    RoutePair pair(Transport::memory, directories.routes());
    pair.run([&]() -> asio::awaitable<void> {
        const auto refusal = [&](std::vector<FilePart> parts) {
            return failure_of(send_by_hand(pair.client(), {"file", 6}, std::move(parts)));
        };
        const std::string right = [] {
            communica::files::Crc64 crc;
            crc.add(communica::as_bytes("a line"));
            return crc.text();
        }();
        const auto gap = [] { return std::vector{part_of(0, "a l"), part_of(4, "ne")}; };
        const Failed left_out = co_await refusal(gap());
        CHECK(left_out == Failed{"file: the sender left bytes out", 400});
        const auto more = [] { return std::vector{part_of(0, "a line, and more")}; };
        const Failed too_many = co_await refusal(more());
        CHECK(too_many == Failed{"file: the sender sent more bytes than it said", 400});
        const auto some = [] { return std::vector{part_of(0, "a l")}; };
        const Failed cut = co_await refusal(some());
        CHECK(cut == Failed{"file: the sender stopped before the end", 400});
        const auto both = [&] { return std::vector{part_of(0, "a line", right)}; };
        const Failed with_bytes = co_await refusal(both());
        CHECK(with_bytes == Failed{"file: the last part has bytes", 400});
        const auto wrong = [] { return std::vector{part_of(0, "a line"), part_of(6, "", "0123456789abcdef")}; };
        const Failed differs = co_await refusal(wrong());
        CHECK(differs ==
              Failed{"file arrived with the checksum " + right + ", and was sent with 0123456789abcdef", 422});
        const auto short_one = [&] { return std::vector{part_of(0, "a l"), part_of(3, "", right)}; };
        const Failed is_short = co_await refusal(short_one());
        CHECK(is_short.status == 422);
        CHECK(std::filesystem::is_empty(directories.server()));
        const FileOffer huge{"file", std::uint64_t{1} << 62};
        const Failed too_large = co_await failure_of(send_by_hand(pair.client(), huge, {}));
        CHECK(too_large.what.starts_with("file: 4611686018427387904 more bytes do not fit on the disk, which has "));
        CHECK(too_large.status == 507);
        const std::vector parts{part_of(0, "a line"), part_of(6, "", right)};
        const FileOffer offer{"file", 6};
        co_await send_by_hand(pair.client(), offer, parts);
        CHECK(read_file(directories.server() / "file") == "a line");
    });
}

TEST_CASE("the documented bytes are what is sent") {
    const std::string document = read_file(std::string(COMMUNICA_TEST_DATA_DIR) + "/../docs/protocol.md");
    const auto is_documented = [&](const auto& value) {
        communica::Buffer text;
        communica::Buffer bytes;
        communica::JsonSerializer().dump(value, text);
        communica::MsgpackSerializer().dump(value, bytes);
        std::string hex;
        for (const std::byte byte : bytes.bytes()) {
            for (const int digit : {std::to_integer<int>(byte) >> 4, std::to_integer<int>(byte) & 0xF}) {
                hex += "0123456789abcdef"[digit];
            }
        }
        const std::string line = "    " + std::string(text.text()) + "  " + hex + "\n";
        INFO(line);
        CHECK(document.find(line) != std::string::npos);
    };
    is_documented(FileOffer{"a.txt", 6});
    is_documented(communica::FileState{3, "cfc02b7ab45dd664"});
    is_documented(part_of(3, "ine"));
    is_documented(part_of(6, "", "d2423a17fc9bee35"));
    is_documented(communica::FileState{6, "d2423a17fc9bee35"});
    is_documented(communica::FileRequest{"a.txt", {0, "0000000000000000"}});
    auto first = part_of(0, "");
    first.size = 6;
    is_documented(first);
}

TEST_CASE("one file is received once at a time") {
    const Directories directories;
    RoutePair pair(Transport::memory, directories.routes());
    write_file(directories.client() / "file", content_of(100'000));
    pair.run([&]() -> asio::awaitable<void> {
        const FileOffer offer{"file", 100'000};
        auto first = co_await pair.client().open(upload, offer);
        const auto have = co_await first.next();
        CHECK(have->size == 0);
        FileOptions options;
        options.resume_for = {};
        const auto path = directories.client() / "file";
        const Failed second = co_await failure_of(send_file(pair.client(), upload, path, options));
        CHECK(second == Failed{"file is being received", 503});
        write_file(directories.server() / "other", "another");
        options.overwrite = true;
        const Failed third = co_await failure_of(
            receive_file(pair.client(), download, "other",
                         directories.server() / ".." / directories.server().filename() / "file", options));
        CHECK(third.status == 503);  // whoever receives it
        CHECK(third.is_here);
        first.cancel();
        options.resume_for = std::chrono::seconds{60};  // until the first is gone
        co_await send_file(pair.client(), upload, path, options);
    });
}

TEST_CASE("a peer that says nothing more ends a transfer, on both sides") {
    const Directories directories;
    FileOptions options;
    options.resume_for = {};
    options.idle_limit = std::chrono::milliseconds{40};
    Routes silent;
    silent.add(upload, [](FileOffer, Stream<FilePart>, StreamWriter<FileState>) -> asio::awaitable<void> {
        asio::steady_timer forever(co_await asio::this_coro::executor, std::chrono::hours{1});
        co_await forever.async_wait(asio::use_awaitable);
    });
    silent.add(download, [](FileRequest, StreamWriter<FilePart>) -> asio::awaitable<void> {
        asio::steady_timer forever(co_await asio::this_coro::executor, std::chrono::hours{1});
        co_await forever.async_wait(asio::use_awaitable);
    });
    const auto file = directories.client() / "file";
    write_file(file, content_of(1'000'000));
    const Failed idle{"the stream was idle for too long", 504};
    SECTION("a receiver") {
        RoutePair pair(Transport::local, silent);
        pair.run([&]() -> asio::awaitable<void> {
            const Failed sent = co_await failure_of(send_file(pair.client(), upload, file, options));
            CHECK(sent == idle);
            const auto target = directories.client() / "target";
            const Failed received = co_await failure_of(receive_file(pair.client(), download, "file", target, options));
            CHECK(received == idle);
        });
    }
    SECTION("a sender") {
        RoutePair pair(Transport::local, directories.routes(options));
        pair.run([&]() -> asio::awaitable<void> {
            const FileOffer offer{"file", 6};
            auto stream = co_await pair.client().open(upload, offer);
            co_await stream.next();
            const Failed offered = co_await failure_of(stream.next());
            CHECK(offered == idle);
            std::filesystem::copy_file(file, directories.server() / "there");
            const FileRequest request{"there", {}};
            auto parts = co_await pair.client().open(download, request);
            const auto head = co_await parts.next();
            CHECK(head->size == 1'000'000);
            asio::steady_timer unread(pair.context, std::chrono::milliseconds{400});
            co_await unread.async_wait(asio::use_awaitable);
            const auto rest = [&]() -> asio::awaitable<void> {
                while (co_await parts.next()) {
                }
            };
            const Failed downloaded = co_await failure_of(rest());
            CHECK(downloaded == idle);
            options.idle_limit = options.resume_for = std::chrono::seconds{60};  // a slow server interrupts itself
            co_await send_file(pair.client(), upload, file, options);            // nobody receives it any more
        });
    }
}

TEST_CASE("a receiver that takes nothing is not asked for ever") {
    const Directories directories;
    int asked = 0;
    Routes routes;
    routes.add(upload, [&](FileOffer, Stream<FilePart> parts, StreamWriter<FileState> states) -> asio::awaitable<void> {
        if (++asked == 1000) {
            throw communica::RequesterError("asked for ever");
        }
        const FileState none{};
        co_await states.write(none);
        co_await parts.next();
        throw communica::ResponderError("no disk now", 503, communica::errc::busy);
    });
    RoutePair pair(Transport::memory, routes);
    const auto file = directories.client() / "file";
    write_file(file, "a line");
    pair.run([&]() -> asio::awaitable<void> {
        FileOptions options;
        options.resume_for = std::chrono::milliseconds{300};
        const Failed failed = co_await failure_of(send_file(pair.client(), upload, file, options));
        CHECK(failed == Failed{"no disk now", 503});
        CHECK(asked < 100);
    });
}

TEST_CASE("a function for the progress that throws ends its transfer, with the exception") {
    const Directories directories;
    RoutePair pair(Transport::local, directories.routes());
    const auto file = directories.client() / "file";
    write_file(file, content_of(300'000));
    pair.run([&]() -> asio::awaitable<void> {
        FileOptions options;
        options.on_progress = [](const FileProgress& progress) {
            if (progress.done > 100'000) {
                throw std::out_of_range("enough");
            }
        };
        const auto what_of = [](asio::awaitable<communica::FileSummary> transfer) -> asio::awaitable<std::string> {
            try {
                co_await std::move(transfer);
            } catch (const std::out_of_range& e) {
                co_return e.what();
            }
            co_return "none";
        };
        const std::string sent = co_await what_of(send_file(pair.client(), upload, file, options));
        CHECK(sent == "enough");
        co_await send_file(pair.client(), upload, file);
        const auto back = directories.client() / "back";
        const std::string received = co_await what_of(receive_file(pair.client(), download, "file", back, options));
        CHECK(received == "enough");
        CHECK_FALSE(std::filesystem::exists(back));
        CHECK(std::filesystem::file_size(directories.client() / ".back.part") > 100'000);  // it can be resumed
    });
}

TEST_CASE("whoever cancels a request stops the checksum that it has begun") {
    const Directories directories;
    int steps = 0;
    asio::io_context disk;
    const auto guard = asio::make_work_guard(disk);
    FileOptions options;
    options.file_executor = disk.get_executor();
    RoutePair pair(Transport::local, directories.routes(options));
    const std::size_t size = std::size_t{64} * 1024 * 1024;
    write_file(directories.server() / "file", "");
    std::filesystem::resize_file(directories.server() / "file", size);
    pair.run([&]() -> asio::awaitable<void> {
        const FileRequest request{"file", {size, "0123456789abcdef"}};
        auto parts = co_await pair.client().open(download, request);
        while (steps < 5) {
            steps += static_cast<int>(disk.poll_one());
            co_await asio::post(pair.context, asio::use_awaitable);
        }
        parts.cancel();
        const auto rest = co_await parts.try_next();
        CHECK_FALSE(rest);
        co_await pair.client().close();
        co_await pair.server.close();
        disk.poll();
    });
    CHECK(disk.poll() <= 3);
}

}  // namespace file_directory_tests
