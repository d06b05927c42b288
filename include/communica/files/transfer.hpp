// The two halves of a file transfer, over a stream that is open.
#pragma once

#include "../asio.hpp"
#include "../peer/call_on.hpp"
#include "local_file.hpp"
#include "messages.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::files {

/// Calls a function that blocks, on `executor`. Without one it is called here, and others have their turn after it.
template <class File>
asio::awaitable<void> run_step(asio::any_io_executor executor, std::shared_ptr<File> file, void (File::*step)()) {
    const auto call = [file = std::move(file), step] { (file.get()->*step)(); };
    if (executor) {
        auto called = peer::call_on(std::move(executor), call);
        co_await std::move(called);
    } else {
        call();
        const auto own = co_await asio::this_coro::executor;
        co_await asio::post(own, asio::use_awaitable);
    }
}

/// Sets `FileOptions::idle_limit`. The peer reads up to `checked` bytes of its file before the next part.
template <class Handle>
void limit_idling(const Handle& stream, const FileOptions& options, std::uint64_t checked = 0) {
    constexpr auto never = std::chrono::steady_clock::duration::max();
    constexpr std::uint64_t checked_in_a_second = 10'000'000;
    constexpr std::uint64_t longest_check = 24 * 60 * 60;
    const std::chrono::seconds check(std::min(checked / checked_in_a_second, longest_check));
    if (options.idle_limit != never) {
        stream.set_idle_limit(options.idle_limit < never - check ? options.idle_limit + check : never);
    }
}

/// Makes the checksum of what is to be checked.
template <class File>
asio::awaitable<void> check(asio::any_io_executor executor, std::shared_ptr<File> file) {
    while (!file->is_checked()) {
        co_await run_step<File>(executor, file, &File::check_some);
    }
}

inline void report(const FileOptions& options, const std::string& name, std::uint64_t done, std::uint64_t size) {
    if (options.on_progress) {
        options.on_progress({name, done, size});
    }
}

/// Goes to the end of what the receiver has, or to the beginning if that is not the beginning of this file.
inline asio::awaitable<void> seek(std::shared_ptr<SourceFile> file, FileState have, asio::any_io_executor executor) {
    if (have.size != 0 && have.size <= file->size()) {
        file->check_until(have.size);
        co_await check(executor, file);
        if (file->state().checksum != have.checksum) {
            co_await run_step(executor, file, &SourceFile::rewind);
        }
    }
    file->confirm(file->position());
}

/// Sends the rest of the file. Throws the error of the stream, or a `FileError`, after which the caller ends the stream.
// NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
inline asio::awaitable<void> send_parts(peer::WritesItems<FilePart>& out, std::shared_ptr<SourceFile> file,
                                        // NOLINTNEXTLINE(*-reference-coroutine-parameters): likewise
                                        const FileOptions& options, const std::string& name) {
    const std::uint64_t begin = file->position();
    const std::uint64_t acknowledged = out.acknowledged();
    report(options, name, begin, file->size());
    while (!file->part().checksum) {
        co_await run_step(options.file_executor, file, &SourceFile::read_part);
        co_await out.write(file->part());
        const std::uint64_t parts = out.acknowledged() - acknowledged;
        file->confirm(std::min(begin + parts * file->part_size(), file->position()));
        report(options, name, file->confirmed(), file->size());
    }
}

/// Receives the rest of the file, and completes it. The stream is left before its end. Parts that are not as the
/// protocol says are not kept.
// NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
inline asio::awaitable<void> receive_parts(Stream<FilePart>& parts, std::shared_ptr<TargetFile> file,
                                           // NOLINTNEXTLINE(*-reference-coroutine-parameters): likewise
                                           const FileOptions& options, const std::string& name) {
    const auto refuse = [&](const char* what) {
        file->discard();
        throw FileError(make_error_code(errc::protocol_error), file->shown() + ": " + what, 400);
    };
    bool is_first = true;
    for (;;) {
        auto part = co_await parts.next();
        if (!part) {
            refuse("the sender stopped before the end");
        }
        if (part->size && is_first) {
            file->expect(*part->size);
        }
        if (part->at != file->position()) {
            if (!is_first || part->at != 0) {
                refuse("the sender left bytes out");
            }
            co_await run_step(options.file_executor, file, &TargetFile::restart);
        }
        if (std::exchange(is_first, false)) {
            limit_idling(parts, options);
            file->refuse_size();
            report(options, name, file->position(), file->size());
        }
        if (part->data.size() > file->size() - std::min(file->size(), file->position())) {
            refuse("the sender sent more bytes than it said");
        }
        const bool is_last = part->checksum.has_value();
        if (is_last && !part->data.empty()) {
            refuse("the last part has bytes");
        }
        if (is_last || !part->data.empty()) {
            file->take(*std::move(part));
            co_await run_step(options.file_executor, file, is_last ? &TargetFile::finish : &TargetFile::write_part);
        }
        report(options, name, file->position(), file->size());
        if (is_last) {
            co_return;
        }
    }
}

}  // namespace communica::files
