#include "files.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
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
using communica::is_file_name;
using communica::receive_file;
using communica::send_file;
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
         {"",    ".",     "..",  "../a",    "a/b",      "/etc/passwd", "a\\b", "C:", "c:a", ".ssh", "a.",   "a ",
          "a\n", "a\x7F", "nul", "NUL.txt", "con .txt", "Com1.log",    "lpt9", "a*", "a?b", "a|b",  "\"a\""}) {
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
            std::filesystem::remove(directories.server() / ".file.part");  // of the one before
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
        first.cancel();
        options.resume_for = std::chrono::seconds{60};  // until the first is gone
        co_await send_file(pair.client(), upload, path, options);
    });
}

}  // namespace file_directory_tests
