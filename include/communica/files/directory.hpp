// The serving side of file transfers: handlers that save and serve files. Not part of communica.hpp.
#pragma once

#include "../asio.hpp"
#include "transfer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

/// True for a name that is safe as the name of a file in a directory, on every system: at most 200 bytes of UTF-8, no
/// separator, no colon or wildcard, no control character, no dot in front, neither a dot nor a space at the end, and no
/// name of a Windows device.
inline bool is_file_name(std::string_view name) {
    if (name.empty() || name.size() > 200 || name.front() == '.' || name.back() == '.' || name.back() == ' ') {
        return false;
    }
    const auto is_bad = [](char byte) {
        return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F ||
               std::string_view(R"(/\:*?"<>|)").find(byte) != std::string_view::npos;
    };
    if (std::any_of(name.begin(), name.end(), is_bad)) {
        return false;
    }
    std::string stem(name.substr(0, name.find('.')));
    std::transform(stem.begin(), stem.end(), stem.begin(),
                   [](char byte) { return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte; });
    while (!stem.empty() && stem.back() == ' ') {
        stem.pop_back();
    }
    constexpr std::array<std::string_view, 6> devices{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
    const auto number = std::string_view(stem).substr(std::min<std::size_t>(stem.size(), 3));
    const bool is_number = (number.size() == 1 && number[0] >= '0' && number[0] <= '9') || number == "\xC2\xB9" ||
                           number == "\xC2\xB2" || number == "\xC2\xB3";  // superscripts
    const bool is_numbered = is_number && (stem.starts_with("COM") || stem.starts_with("LPT"));
    return !is_numbered && std::find(devices.begin(), devices.end(), stem) == devices.end();
}

namespace files {

/// Reports a failure of this side to the peer, by its status, without this side's path.
[[noreturn]] inline void answer_failure(const FileError& error) {
    const auto status = error.status().value_or(500);
    if (status < 500) {
        throw RequesterError(error.what(), status);
    }
    throw ResponderError(error.what(), status, error.code() == errc::busy ? errc::busy : errc::responder_error);
}

}  // namespace files

/// Receives the file of a `send_file`, in a handler, and writes it to `path`. Names the file as the offer does in
/// errors. A path that this program is receiving already is refused as `busy`.
///
///     routes.add(upload, [](communica::FileOffer offer, communica::Stream<communica::FilePart> parts,
///                           communica::StreamWriter<communica::FileState> states) {
///         return communica::save_file(std::move(offer), std::move(parts), std::move(states), path_for(offer), {});
///     });
///
/// Errors: `RequesterError` and `ResponderError`, with statuses as of HTTP; the error of the stream.
inline asio::awaitable<void> save_file(FileOffer offer, Stream<FilePart> parts, StreamWriter<FileState> states,
                                       std::filesystem::path path, FileOptions options) {
    try {
        const auto file =
            std::make_shared<files::TargetFile>(std::move(path), offer.name, options.overwrite, options.max_size);
        file->expect(offer.size);
        co_await files::run_step(options.file_executor, file, &files::TargetFile::open);
        co_await files::check<files::LocalFile>(options.file_executor, file);
        const FileState have = file->state();
        files::limit_idling(parts, options, have.size);
        co_await states.write(have);
        co_await files::receive_parts(parts, file, options, offer.name);
        const FileState all = file->state();
        co_await states.write(all);
    } catch (const FileError& e) {
        files::answer_failure(e);
    }
}

/// Sends the file at `path` to the peer of a `receive_file`, in a handler.
///
/// Errors: as of `save_file`.
inline asio::awaitable<void> serve_file(FileRequest request, StreamWriter<FilePart> parts, std::filesystem::path path,
                                        FileOptions options) {
    try {
        const auto file = std::make_shared<files::SourceFile>(std::move(path), request.name, options.part_size);
        co_await files::run_step(options.file_executor, file, &files::SourceFile::open);
        co_await files::seek(file, request.have, options.file_executor);
        files::limit_idling(parts, options);
        FilePart first;
        first.at = file->position();
        first.size = file->size();
        co_await parts.write(first);
        co_await files::send_parts(parts, file, options, request.name);
    } catch (const FileError& e) {
        files::answer_failure(e);
    }
}

/// A directory whose files peers may get, or to which they may add files. Subdirectories and hidden files are not
/// accessible: a name has to be an `is_file_name`. Copies refer to the same directory. Thread-safe.
///
///     communica::FileDirectory directory{"/srv/files"};
///     routes.add(upload, directory.receiver()).add(download, directory.sender());
class FileDirectory {
 public:
    /// The handler of a `FileUploadRoute`.
    using Receiver = std::function<asio::awaitable<void>(FileOffer, Stream<FilePart>, StreamWriter<FileState>)>;
    /// The handler of a `FileDownloadRoute`.
    using Sender = std::function<asio::awaitable<void>(FileRequest, StreamWriter<FilePart>)>;

    /// The directory has to exist when files are transferred.
    explicit FileDirectory(std::filesystem::path path) : FileDirectory(std::move(path), FileOptions{}) {}
    FileDirectory(std::filesystem::path path, FileOptions options)
        : state_(std::make_shared<const State>(State{std::move(path), std::move(options)})) {}

    /// Returns a handler that saves files under the names that their senders offer. One that is being received is
    /// refused as `busy`.
    Receiver receiver() const {
        return [state = state_](FileOffer offer, Stream<FilePart> parts, StreamWriter<FileState> states) {
            return receive(state, std::move(offer), std::move(parts), std::move(states));
        };
    }
    /// Returns a handler that sends files.
    Sender sender() const {
        return [state = state_](FileRequest request, StreamWriter<FilePart> parts) {
            return send(state, std::move(request), std::move(parts));
        };
    }

 private:
    struct State {
        std::filesystem::path directory;
        FileOptions options;

        std::filesystem::path path_of(const std::string& name) const {
            if (!is_file_name(name)) {
                throw RequesterError("this is no name of a file here", 400);
            }
            return directory / std::filesystem::path(std::u8string(name.begin(), name.end()));
        }
    };

    static asio::awaitable<void> receive(std::shared_ptr<const State> state, FileOffer offer, Stream<FilePart> parts,
                                         StreamWriter<FileState> states) {
        auto path = state->path_of(offer.name);
        auto saving = save_file(std::move(offer), std::move(parts), std::move(states), std::move(path), state->options);
        co_await std::move(saving);
    }
    static asio::awaitable<void> send(std::shared_ptr<const State> state, FileRequest request,
                                      StreamWriter<FilePart> parts) {
        auto path = state->path_of(request.name);
        auto serving = serve_file(std::move(request), std::move(parts), std::move(path), state->options);
        co_await std::move(serving);
    }

    std::shared_ptr<const State> state_;
};

}  // namespace communica
