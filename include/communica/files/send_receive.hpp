// Sends and receives files. Not part of communica.hpp.
#pragma once

#include "../asio.hpp"
#include "../peer/ask.hpp"
#include "../peer/requests.hpp"
#include "../peer/spawn.hpp"
#include "../peer/streams/subscription.hpp"
#include "transfer.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace communica {

namespace files {

/// Opens the stream of a transfer, with the value of its request.
template <class Value, class Opened>
using Open = std::function<asio::awaitable<Opened>(const Value&, const RequestOptions&)>;
using OpenUpload = Open<FileOffer, Duplex<FileState, FilePart>>;
using OpenDownload = Open<FileRequest, Stream<FilePart>>;

template <class Value, class Opened>
asio::awaitable<Opened> open(const Open<Value, Opened>& open, const Value& value, const FileOptions& options) {
    std::vector<Header> headers;
    headers.reserve(options.headers.size());
    for (const auto& [name, text] : options.headers) {
        headers.push_back({name, text});
    }
    const RequestOptions request{.timeout = options.open_timeout, .headers = headers};
    return open(value, request);
}

/// The attempts to transfer one file.
class Attempts {
 public:
    explicit Attempts(std::chrono::steady_clock::duration resume_for) : resume_for_(resume_for) {}

    /// Throws the failure if it is not one of the connection, or if the transfer has got no further than `reached` for
    /// too long. Otherwise waits, and longer each time.
    // NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
    static asio::awaitable<void> pause(Attempts& self, std::exception_ptr failure, std::uint64_t reached) {
        const Error error = Error::from(failure);
        const auto now = std::chrono::steady_clock::now();
        if (reached > self.furthest_) {
            self.furthest_ = reached;
            self.last_byte_ = now;
            self.pause_ = {};
        }
        if ((!peer::may_be_mended(error) && !(error.code == errc::closed && self.is_open)) ||
            now - self.last_byte_ >= self.resume_for_) {
            std::rethrow_exception(failure);
        }
        ++self.resumed_;
        self.is_open = false;
        const auto pause = self.pause_;
        self.pause_ = std::clamp(2 * self.pause_, std::chrono::milliseconds{1}, longest_pause);
        co_await base::wait_for(pause);
    }
    std::uint64_t resumed() const noexcept { return resumed_; }

    bool is_open = false;  ///< the stream of this attempt: if it ends as closed, the next one may succeed

 private:
    static constexpr std::chrono::milliseconds longest_pause{1000};

    std::chrono::steady_clock::duration resume_for_;
    std::chrono::steady_clock::time_point last_byte_ = std::chrono::steady_clock::now();
    std::chrono::milliseconds pause_{0};
    std::uint64_t resumed_ = 0;
    std::uint64_t furthest_ = 0;  // byte of the file
};

inline std::string text_of(const std::filesystem::path& path) {
    const auto text = path.u8string();
    return {text.begin(), text.end()};
}
inline std::string name_of(const FileOptions& options, const std::filesystem::path& path) {
    return options.name.empty() ? text_of(path.filename()) : options.name;
}

/// Waits for the end of a stream of which nothing more is needed, so that its end is not an abort.
template <class Opened>
asio::awaitable<void> wait_for_end(Opened& stream) {  // NOLINT(*-reference-coroutine-parameters): it is awaited
    const auto rest = co_await stream.try_next();
    (void)rest;
}

// NOLINTBEGIN(*-reference-coroutine-parameters): both are awaited by their callers
inline asio::awaitable<void> send_once(const OpenUpload& open_upload, std::shared_ptr<SourceFile> file,
                                       const std::string& name, const FileOptions& options, Attempts& attempts,
                                       FileSummary& summary) {
    co_await run_step(options.file_executor, file, &SourceFile::open);
    const FileOffer offer{name, file->size()};
    auto opening = open(open_upload, offer, options);
    auto stream = co_await std::move(opening);
    attempts.is_open = true;
    limit_idling(stream, options, file->size());
    try {
        const auto have = co_await stream.next();
        if (have) {
            co_await seek(file, *have, options.file_executor);
        }
        limit_idling(stream, options);
        co_await send_parts(stream, file, options, name);
        stream.finish();
        const auto stored = co_await stream.next();
        if (!stored || stored->size != file->size() || stored->checksum != file->state().checksum) {
            throw FileError(make_error_code(errc::protocol_error), name + ": the receiver does not confirm it", 400);
        }
        summary.size = stored->size;
        summary.checksum = stored->checksum;
    } catch (const FileError& e) {
        stream.cancel("the sender failed: " + e.code().message(), e.status());
        throw;
    }
    report(options, name, file->size(), file->size());
    co_await wait_for_end(stream);
}

inline asio::awaitable<void> receive_once(const OpenDownload& open_download, std::shared_ptr<TargetFile> file,
                                          const std::string& name, const FileOptions& options, Attempts& attempts,
                                          FileSummary& summary) {
    co_await run_step(options.file_executor, file, &TargetFile::open);
    co_await check<LocalFile>(options.file_executor, file);
    const FileRequest request{name, file->state()};
    auto opening = open(open_download, request, options);
    auto stream = co_await std::move(opening);
    attempts.is_open = true;
    limit_idling(stream, options, request.have.size);
    try {
        co_await receive_parts(stream, file, options, name);
        summary.size = file->size();
        summary.checksum = file->state().checksum;
    } catch (const FileError& e) {
        stream.cancel("the receiver failed: " + e.code().message(), e.status());
        throw;
    }
    co_await wait_for_end(stream);
}
// NOLINTEND(*-reference-coroutine-parameters)

/// Transfers a file, over as many streams as it takes.
template <class Opener, class File>
asio::awaitable<FileSummary> transfer(Opener opener, std::shared_ptr<File> file, std::string name, FileOptions options,
                                      asio::awaitable<void> (*once)(const Opener&, std::shared_ptr<File>,
                                                                    const std::string&, const FileOptions&, Attempts&,
                                                                    FileSummary&)) {
    Attempts attempts(options.resume_for);
    FileSummary summary;
    for (;;) {
        std::exception_ptr failure;
        try {
            co_await once(opener, file, name, options, attempts, summary);
        } catch (const FileError&) {
            throw;
        } catch (...) {
            failure = std::current_exception();
        }
        summary.transferred += file->transferred();
        if (!failure) {
            summary.resumed = attempts.resumed();
            co_return summary;
        }
        co_await Attempts::pause(attempts, failure, file->confirmed());
    }
}

template <class Value, class Opened, class Client, class SomeRoute>
Open<Value, Opened> make_opener(const Client& client, const SomeRoute& route) {
    return [peer = client.with(route.serializer()), route](const Value& value, const RequestOptions& options) {
        return peer.open(route, value, options);
    };
}

/// Any type but `FileOptions`, for overloads.
template <class T>
concept NotFileOptions = !std::same_as<std::remove_cvref_t<T>, FileOptions>;

}  // namespace files

/// Sends a file to the peer, whose handler is one of `FileDirectory::receiver()`, or calls `save_file`. `client` is a
/// client with routes, or the handle of one.
///
/// If the connection is lost, the transfer continues over the next one, where the receiver has got to; so does another
/// call for the same file. The receiver checks the checksum of the whole file.
///
///     communica::FileOptions options;
///     options.on_progress = [](const communica::FileProgress& progress) { show(progress.done, progress.size); };
///     const auto sent = co_await communica::send_file(client, upload, "movie.mkv", options);
///
/// Completes with: `void(std::exception_ptr, FileSummary)`.
/// Executor: the token's, by default the entity's. Files are read on `FileOptions::file_executor`.
/// Cancellation: ends the transfer; the receiver keeps what it has.
/// Errors: `FileError` for a file that can't be read, or changes while it is sent; a `RequesterError` or a
/// `ResponderError` with the words of the receiver; or as of `open`, once `FileOptions::resume_for` is over.
template <class Client, class S, class Token = default_token>
auto send_file(const Client& client, const FileUploadRoute<S>& route, const std::filesystem::path& path,
               const FileOptions& options, Token&& token = {}) {
    auto file = std::make_shared<files::SourceFile>(path, files::text_of(path), options.part_size);
    auto sending = files::transfer<files::OpenUpload, files::SourceFile>(
        files::make_opener<FileOffer, Duplex<FileState, FilePart>>(client, route), std::move(file),
        files::name_of(options, path), options, &files::send_once);
    return peer::complete(client.with(route.serializer()).get_executor(), std::move(sending),
                          std::forward<Token>(token));
}
template <class Client, class S, files::NotFileOptions Token = default_token>
auto send_file(const Client& client, const FileUploadRoute<S>& route, const std::filesystem::path& path,
               Token&& token = {}) {
    return send_file(client, route, path, FileOptions{}, std::forward<Token>(token));
}

/// Receives the file that the peer calls `name`, from `FileDirectory::sender()` or a handler that calls `serve_file`,
/// and writes it to `path`.
///
/// The bytes are in `.NAME.part` beside it until the checksum of the whole file is right. If the connection is lost, or
/// the call is repeated, the transfer continues behind them, provided that the peer's file begins with them.
///
/// Completes with: `void(std::exception_ptr, FileSummary)`.
/// Executor: the token's, by default the entity's. Files are written on `FileOptions::file_executor`.
/// Cancellation: ends the transfer; what was received remains.
/// Errors: `FileError` for a file that can't be written, exists already or has another checksum; a `RequesterError` or a
/// `ResponderError` with the words of the sender; or as of `open`, once `FileOptions::resume_for` is over.
template <class Client, class S, class Token = default_token>
auto receive_file(const Client& client, const FileDownloadRoute<S>& route, const std::string& name,
                  const std::filesystem::path& path, const FileOptions& options, Token&& token = {}) {
    auto file = std::make_shared<files::TargetFile>(path, files::text_of(path), options.overwrite, options.max_size);
    auto receiving = files::transfer<files::OpenDownload, files::TargetFile>(
        files::make_opener<FileRequest, Stream<FilePart>>(client, route), std::move(file), name, options,
        &files::receive_once);
    return peer::complete(client.with(route.serializer()).get_executor(), std::move(receiving),
                          std::forward<Token>(token));
}
template <class Client, class S, files::NotFileOptions Token = default_token>
auto receive_file(const Client& client, const FileDownloadRoute<S>& route, const std::string& name,
                  const std::filesystem::path& path, Token&& token = {}) {
    return receive_file(client, route, name, path, FileOptions{}, std::forward<Token>(token));
}

}  // namespace communica
