// What the two sides of a file transfer send each other, and its options.
#pragma once

#include "../asio.hpp"
#include "../error.hpp"
#include "../peer/route.hpp"
#include "../peer/streams/stream.hpp"
#include "../serializers/model.hpp"
#include "../serializers/msgpack.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace communica {

/// A file that is about to be sent.
struct FileOffer {
    std::string name;        ///< without a directory
    std::uint64_t size = 0;  ///< in bytes
};

/// The beginning of a file, as far as a receiver has it.
struct FileState {
    std::uint64_t size = 0;  ///< in bytes
    std::string checksum;    ///< of these bytes: CRC-64/XZ, 16 hexadecimal digits
};

/// A request for a file, or for the rest of it.
struct FileRequest {
    std::string name;  ///< without a directory
    FileState have;    ///< what the requester has already
};

/// A part of a file.
struct FilePart {
    std::uint64_t at = 0;                 ///< its place in the file, in bytes
    std::vector<std::byte> data;          ///< its bytes
    std::optional<std::uint64_t> size;    ///< of the file; only in the first part of an answer to a `FileRequest`
    std::optional<std::string> checksum;  ///< of the file; only in the last part
};

constexpr auto communica_model(Type<FileOffer>) {
    return model("FileOffer", field("name", &FileOffer::name), field("size", &FileOffer::size));
}
constexpr auto communica_model(Type<FileState>) {
    return model("FileState", field("size", &FileState::size), field("checksum", &FileState::checksum));
}
constexpr auto communica_model(Type<FileRequest>) {
    return model("FileRequest", field("name", &FileRequest::name), field("have", &FileRequest::have));
}
constexpr auto communica_model(Type<FilePart>) {
    return model("FilePart", field("at", &FilePart::at), field("data", &FilePart::data).optional(),
                 field("size", &FilePart::size).omit_null(), field("checksum", &FilePart::checksum).omit_null());
}

/// The route of `send_file` and `save_file`. With MessagePack and CBOR the bytes of a file are sent as they are, with
/// JSON as base64.
template <Serializer S = MsgpackSerializer>
using FileUploadRoute = Route<Stream<FileState>(FileOffer, Stream<FilePart>), S>;
/// The route of `receive_file` and `serve_file`.
template <Serializer S = MsgpackSerializer>
using FileDownloadRoute = Route<Stream<FilePart>(FileRequest), S>;

/// A file could not be read or written, or its transfer failed. `code()` is the operating system's, or
/// `errc::protocol_error`, or `std::errc::io_error` if the file changed while it was sent (status 409) or its checksum
/// differs (422).
class FileError : public MessageError {
 public:
    FileError(std::error_code code, std::string message, std::int64_t status)
        : MessageError(code, std::move(message), status) {}
};

/// How far the transfer of a file is.
struct FileProgress {
    std::string_view name;   ///< of the file, without a directory
    std::uint64_t done = 0;  ///< bytes that are written at a receiver; at a sender, those that the peer has read
    std::uint64_t size = 0;  ///< bytes of the file
};

/// The options of a file transfer. Name an object of them before a `co_await`: GCC 12 destroys a temporary one twice.
struct FileOptions {
    /// The name of the file at the peer. Empty: the name in the path. Not used by handlers.
    std::string name = {};
    /// Called at the beginning, after parts and at the end, on the executor of the transfer. An exception ends the
    /// transfer.
    std::function<void(const FileProgress&)> on_progress = {};
    /// Where files are read, written and checked, as a `asio::thread_pool`'s. Unset: where the transfer runs, a part at
    /// a time.
    asio::any_io_executor file_executor = {};
    /// If false, a receiver refuses to replace a file.
    bool overwrite = false;
    /// Bytes that a sender reads and sends at a time, 1 to 1 MiB.
    std::size_t part_size = std::size_t{64} * 1024;
    /// The largest file that a receiver takes, in bytes.
    std::uint64_t max_size = std::numeric_limits<std::uint64_t>::max();
    /// How long `send_file` and `receive_file` try to continue after a lost connection without getting further. 0: they
    /// fail when the connection is lost.
    std::chrono::steady_clock::duration resume_for = std::chrono::seconds{60};
    /// Deadline of each request that opens the stream. Covers the wait for a connection.
    std::chrono::steady_clock::duration open_timeout = std::chrono::seconds{30};
    /// Longest time without a part from or to the peer; while the peer reads what it has of the file, 1 s more for each
    /// 10 MB of that. Then the stream ends with `errc::timeout` on both sides. Replaces `Limits::stream_idle_limit`;
    /// `duration::max()` leaves that as it is.
    std::chrono::steady_clock::duration idle_limit = std::chrono::seconds{60};
    /// Headers of these requests: for a handler that reads them from its `Context`.
    std::vector<std::pair<std::string, std::string>> headers = {};
};

/// A completed transfer.
struct FileSummary {
    std::uint64_t size = 0;         ///< of the file, in bytes
    std::uint64_t transferred = 0;  ///< bytes that were sent or received by this call; less if the receiver had some
    std::string checksum;           ///< of the file, verified: CRC-64/XZ, 16 hexadecimal digits
    std::uint64_t resumed = 0;      ///< how often the transfer continued after a lost connection
};

}  // namespace communica
