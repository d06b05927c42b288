// The transport interface: a connection carries messages between two processes.
#pragma once

#include "asio.hpp"
#include "budget.hpp"
#include "buffer.hpp"
#include "counters.hpp"
#include "error.hpp"
#include "limits.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// One message as a transport sees it: the metadata's JSON text and the body, both borrowed.
struct Message {
    /// A JSON object.
    std::string_view metadata;
    /// The serialised value.
    Bytes body;
    bool redelivered = false;  ///< it may have been delivered before, to a receiver that did not acknowledge it
    Buffer* backing_buffer =
        nullptr;  ///< if not null: the buffer that the body lies in, which may be moved instead of copied
};

/// The class of a message. It decides what happens when the peer reads too slowly.
enum class SendClass {
    request,       ///< a request or notification: refused while the queue is full; the requester keeps it
    response,      ///< a response: always queued; the responder limits how many there are
    rejection,     ///< a rejection, which costs the peer nothing to provoke: too many unread ones end the connection
    stream,        ///< items of a stream: refused while the small stream queue is full, so that requests overtake them
    high_request,  ///< as `request`, and before all that is queued and not being written
    low_request,   ///< as `request`, and refused while more than 64 KiB of requests are queued
};
/// The number of classes whose bytes are counted.
inline constexpr std::size_t send_classes = 4;
/// The class that a message is counted in: all requests are counted together.
constexpr SendClass counted_as(SendClass send_class) noexcept {
    return send_class < SendClass::high_request ? send_class : SendClass::request;
}

/// A message that was not sent, or only in part.
struct UnsentMessage {
    /// The metadata's JSON text.
    std::string metadata;
    /// The serialised value.
    Buffer body;
    /// `SendClass::high_request` for one of these; any other value for all others.
    SendClass send_class = SendClass::request;
};

/// The identity of the peer, as verified by the operating system or a certificate.
struct Credentials {
    std::optional<std::int64_t> pid = {};     ///< of the process that connected
    std::optional<std::int64_t> uid = {};     ///< POSIX user id
    std::optional<std::string> sid = {};      ///< Windows security identifier of the user: `S-1-5-21-...`
    std::optional<std::string> subject = {};  ///< of a verified certificate, as in RFC 2253: `CN=worker,O=Example`
    bool is_own = false;                      ///< the peer runs as the user of this process, or as root

    /// Returns true for the same user or the same certificate subject.
    bool is_same_user(const Credentials& other) const {
        return uid == other.uid && sid == other.sid && subject == other.subject;
    }
};

/// The settings that an entity passes to its connections.
struct ConnectionOptions {
    /// The limits of each connection.
    Limits limits = {};
    std::shared_ptr<Budget> budget = nullptr;            ///< shared by all connections of the entity
    std::shared_ptr<Counters> counters = nullptr;        ///< null: nothing is counted
    std::chrono::steady_clock::duration busy_poll = {};  ///< busy-poll this long after each message
    bool adaptive_poll = false;                          ///< only while messages arrive at shorter intervals
    std::shared_ptr<Budget> descriptors = nullptr;       ///< of kept descriptors, as `budget` is of bytes
};

/// Maximum bytes of a message with stream items. A request waits behind at most this many bytes of streams.
inline constexpr std::size_t max_stream_message = 64 * 1024 + 256;

/// Decides which classes may queue messages, and remembers refusals. `bytes` is the queued size of the class that the
/// message is counted in.
class Room {
 public:
    /// With this many bytes of requests and notifications queued, more are refused.
    static constexpr std::size_t high_watermark = 1024 * 1024;
    /// With this many, those of low priority are refused.
    static constexpr std::size_t low_priority_watermark = 64 * 1024;

    /// Returns true if `more` bytes may be queued after `bytes`.
    static constexpr bool is_there(SendClass send_class, std::size_t bytes, std::size_t more) noexcept {
        switch (send_class) {
            case SendClass::request:
            case SendClass::high_request: return bytes < high_watermark;
            case SendClass::low_request: return bytes < low_priority_watermark;
            case SendClass::stream: return bytes == 0 || bytes + more <= max_stream_message;
            case SendClass::response:
            case SendClass::rejection: break;
        }
        return true;
    }

    /// Returns true if `more` bytes may be queued, else remembers the refusal.
    bool admits(SendClass send_class, std::size_t bytes, std::size_t more) noexcept {
        if (is_there(send_class, bytes, more)) [[likely]] {
            return true;
        }
        (send_class == SendClass::stream        ? streams_wait_
         : send_class == SendClass::low_request ? low_wait_
                                                : requests_wait_) = true;
        return false;
    }

    /// Returns true if a class was refused and has not got room since.
    bool is_awaited() const noexcept { return requests_wait_ || low_wait_ || streams_wait_; }

    /// Returns true once when a refused class has room again.
    bool is_back(std::size_t request_bytes, std::size_t stream_bytes) noexcept {
        if (!is_awaited()) [[likely]] {
            return false;
        }
        const bool requests = requests_wait_ && is_there(SendClass::request, request_bytes, 0);
        const bool low = low_wait_ && is_there(SendClass::low_request, request_bytes, 0);
        const bool streams = streams_wait_ && is_there(SendClass::stream, stream_bytes, max_stream_message / 2);
        requests_wait_ = requests_wait_ && !requests;
        low_wait_ = low_wait_ && !low;
        streams_wait_ = streams_wait_ && !streams;
        return requests || low || streams;
    }

 private:
    bool requests_wait_ = false;
    bool low_wait_ = false;
    bool streams_wait_ = false;
};

/// Handles the messages that a connection reads. Called on the connection's executor, one call at a time. An exception
/// ends the connection.
class Receiver {
 public:
    /// Called before one or more messages are delivered.
    virtual void begin_turn() {}
    /// Called after these messages have been delivered.
    virtual void end_turn() {}
    /// Called with a complete message, which is valid only during the call.
    virtual void on_message(const Message& message) = 0;
    /// Called for a message whose body was dropped: `message_too_large`, or `busy` if the entity's budget is used up.
    virtual void on_discarded(std::string_view metadata, errc why) = 0;
    /// Called for a sent message that can't reach the peer and was not processed there.
    virtual void on_undelivered(std::string_view /*metadata*/, const Error& /*why*/) {}
    /// Called when the connection accepts messages again after it has refused some.
    virtual void on_room() = 0;
    /// The last call: the connection has ended. The error is `errc::closed` if either side closed it in order.
    virtual void on_end(Error why) = 0;

 protected:
    ~Receiver() = default;
};

/// Calls `begin_turn` and, on destruction, `end_turn`: for a single message.
class ReceiverTurn {
 public:
    explicit ReceiverTurn(Receiver& receiver) : receiver_(receiver) { receiver_.begin_turn(); }
    ReceiverTurn(const ReceiverTurn&) = delete;
    ReceiverTurn& operator=(const ReceiverTurn&) = delete;
    ~ReceiverTurn() { receiver_.end_turn(); }  // NOLINT(bugprone-exception-escape): it does not throw

 private:
    Receiver& receiver_;
};

/// A connection. Both sides first send a hello (`read_hello`, `write_hello`). After `start` it reads messages until the
/// end, and `send`, `close` and `abort` are thread-safe.
///
/// An interface, not a concept: it costs one virtual call per message and keeps the layers above out of templates,
/// which shortens compile times.
class Connection {
 public:
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The executor of all work of this connection: its own strand.
    virtual asio::any_io_executor get_executor() const = 0;

    /// The identity of the peer, as verified by the system or TLS.
    virtual const Credentials& credentials() const = 0;

    /// The channel binding of an authentication proof: the kind of transport, or this channel. A proof bound to it is
    /// not valid elsewhere.
    virtual std::string binding() const = 0;

    /// Reads the peer's hello, a JSON text. Throws `errc::handshake_failed` or `authentication_failed`, with the reason
    /// if the peer refused.
    virtual asio::awaitable<std::string> read_hello() = 0;
    /// Sends this side's hello, a JSON object.
    virtual asio::awaitable<void> write_hello(std::string json) = 0;
    /// Sends a refusal with the reason in place of a hello, and ends the connection.
    virtual asio::awaitable<void> refuse(Error why) = 0;

    /// Starts reading; `Receiver::on_end` reports the end. Call it on the connection's executor. The receiver owns the
    /// connection, and the pending read owns the receiver. No coroutine waits for the end: one that did, through three
    /// others, took 2.5 of an idle connection's 7.4 kB.
    virtual void start(std::shared_ptr<Receiver> receiver) = 0;

    /// Queues a message and returns at once. Takes the body only if it returns true. Returns false if the queue has no
    /// room for the class (`Receiver::on_room` reports when it has), and after `take_unsent`.
    virtual bool send(SendClass send_class, std::string_view metadata, Buffer& body) = 0;

    /// Writes what a `Gathering` holds back. Thread-safe.
    virtual void write_gathered() noexcept {}

    /// Returns a buffer of `size` uninitialised bytes: memory that `send` passes to the peer, if the transport has such
    /// memory and some is left; otherwise from the heap. Thread-safe.
    virtual Buffer lend(std::size_t size) { return Buffer::of_size(size); }

    /// Bytes of responses that the peer has not read. Thread-safe.
    virtual std::size_t unread_answers() const = 0;

    /// Bytes of queued requests and notifications that are not written. Thread-safe.
    virtual std::size_t unwritten_requests() const { return 0; }

    /// Returns true while messages that have arrived are not passed to the receiver, as far as the transport can tell.
    /// Call it after `start`, on the connection's executor.
    virtual bool has_undelivered() { return false; }

    /// Starts liveness checks by pings, if the transport has them. The peer must support pings.
    virtual void start_pings() {}

    /// Returns true if one process reads all messages sent here and over the previous connection. Only then can it
    /// report which of them it has received.
    virtual bool has_one_reader() const { return true; }

    /// Returns true if attachments of a body are sent with it. Otherwise they are dropped.
    virtual bool passes_descriptors() const { return false; }

    /// Returns, after the end, the messages that were not completely sent, oldest first. `send` fails from then on.
    virtual std::vector<UnsentMessage> take_unsent() = 0;

    /// Sends the queued messages and a goodbye, and closes after at most `patience`.
    virtual void close(std::chrono::steady_clock::duration patience = std::chrono::seconds{1}) = 0;
    /// Closes at once. Received messages are no longer delivered.
    virtual void abort() = 0;

 protected:
    Connection() = default;

    /// Implements `start` by a coroutine that reads and returns the reason of the end.
    static void start_coroutine(const asio::any_io_executor& executor, asio::awaitable<Error> reading,
                                std::shared_ptr<Receiver> receiver);

 private:
    static asio::awaitable<void> tell_end(asio::awaitable<Error> reading, std::shared_ptr<Receiver> receiver);
};

/// While it exists, this thread gathers what it sends over the connection, so that it goes out in one write.
class Gathering {
 public:
    /// As long as `is_flush_coming` is true, all messages wait: for the end of the scope, or for another thread that sets
    /// it to false and then calls `Connection::write_gathered`.
    Gathering(Connection& connection, const std::atomic<bool>& is_flush_coming) noexcept
        : connection_(connection), is_flush_coming_(is_flush_coming), outer_(std::exchange(innermost, this)) {}
    Gathering(const Gathering&) = delete;
    Gathering& operator=(const Gathering&) = delete;
    ~Gathering() {
        innermost = outer_;
        connection_.write_gathered();
    }

    /// Returns true if what this thread sends over the connection waits. Called under the lock of the connection's queue.
    static bool holds(const Connection& connection) noexcept {
        return innermost != nullptr && &innermost->connection_ == &connection && innermost->holds();
    }

    /// Surrounds the sending of one message. If it need not wait for others, this thread writes it at the end of the scope:
    /// once, for later messages are likely to be many. No lock may be held then.
    class One {
     public:
        One() noexcept : gathering_(innermost) {
            if (gathering_ == nullptr || gathering_->holds() || std::exchange(gathering_->wrote_one_, true))
                [[likely]] {
                gathering_ = nullptr;
            } else {
                gathering_->holds_one_ = true;
            }
        }
        One(const One&) = delete;
        One& operator=(const One&) = delete;
        ~One() {
            if (gathering_ != nullptr) {
                gathering_->holds_one_ = false;
                gathering_->connection_.write_gathered();
            }
        }

     private:
        Gathering* gathering_;
    };

 private:
    bool holds() const noexcept { return holds_one_ || is_flush_coming_.load(std::memory_order_relaxed); }

    static inline thread_local constinit Gathering* innermost = nullptr;

    Connection& connection_;
    const std::atomic<bool>& is_flush_coming_;
    Gathering* outer_;
    bool holds_one_ = false;
    bool wrote_one_ = false;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "connection.ipp"
#endif
