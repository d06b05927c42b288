// The narrow waist, part one: a connection carries messages between two processes, whatever it is made of.
#pragma once

#include "asio.hpp"
#include "budget.hpp"
#include "buffer.hpp"
#include "counters.hpp"
#include "error.hpp"
#include "limits.hpp"

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

/// One message as a transport knows it: the metadata's JSON text and the body, both borrowed.
struct Message {
    /// A JSON object.
    std::string_view metadata;
    /// What a serializer made of the value.
    Bytes body;
    bool redelivered = false;  ///< it was handed out before, perhaps, to one who did not say that it was dealt with
    Buffer* backing_buffer =
        nullptr;  ///< if not null: the body lies in this, which may be moved away instead of copied
};

/// A message that has not gone out, or not whole.
struct UnsentMessage {
    /// As in `Message`, owned.
    std::string metadata;
    /// The same.
    Buffer body;
};

/// Who is on the other side, as far as the operating system or a certificate vouches for it.
struct Credentials {
    std::optional<std::int64_t> pid = {};     ///< of the process that connected
    std::optional<std::int64_t> uid = {};     ///< POSIX user id
    std::optional<std::string> sid = {};      ///< Windows security identifier of the user: `S-1-5-21-...`
    std::optional<std::string> subject = {};  ///< of a verified certificate, as in RFC 2253: `CN=worker,O=Example`
    bool is_own = false;                      ///< the user of this process, or root

    /// The same user, or the same holder of a certificate.
    bool is_same_user(const Credentials& other) const {
        return uid == other.uid && sid == other.sid && subject == other.subject;
    }
};

/// What an entity gives to the connections that are made for it.
struct ConnectionOptions {
    /// Those that hold for one connection.
    Limits limits = {};
    std::shared_ptr<Budget> budget = nullptr;            ///< shared by all connections of the entity
    std::shared_ptr<Counters> counters = nullptr;        ///< null: nothing is counted
    std::chrono::steady_clock::duration busy_poll = {};  ///< how long after a message the next is polled for
};

/// The class of a message. It decides what happens when the peer reads too slowly.
enum class SendClass {
    request,    ///< a request or notification: refused while the queue is full; the requester keeps it
    response,   ///< an answer: always queued; the responder bounds how many there are
    rejection,  ///< an answer that costs the peer nothing to provoke: too many unread ones end the connection
    stream,     ///< items of a stream: refused while the small stream queue is full, so that requests pass them
};
/// The number of classes.
inline constexpr std::size_t send_classes = 4;

/// The largest message with items of a stream. A request waits behind so many bytes of streams at the most.
inline constexpr std::size_t max_stream_message = 64 * 1024 + 256;

/// Which classes have room, and which were turned away for want of it. `bytes` are those that are queued of the class.
class Room {
 public:
    /// With so many bytes of requests and notifications queued there is no room for more.
    static constexpr std::size_t high_watermark = 1024 * 1024;

    /// May `more` bytes be queued where `bytes` are?
    static constexpr bool is_there(SendClass send_class, std::size_t bytes, std::size_t more) noexcept {
        switch (send_class) {
            case SendClass::request: return bytes < high_watermark;
            case SendClass::stream: return bytes == 0 || bytes + more <= max_stream_message;
            case SendClass::response:
            case SendClass::rejection: break;
        }
        return true;
    }

    /// Is there room for so many bytes more? If not that is remembered.
    bool admits(SendClass send_class, std::size_t bytes, std::size_t more) noexcept {
        if (is_there(send_class, bytes, more)) [[likely]] {
            return true;
        }
        (send_class == SendClass::request ? asks_wait_ : streams_wait_) = true;
        return false;
    }

    /// Is there room again for what was turned away? Says so once.
    bool is_back(std::size_t bytes_of_asks, std::size_t bytes_of_streams) noexcept {
        if (!asks_wait_ && !streams_wait_) [[likely]] {
            return false;
        }
        const bool asks = asks_wait_ && is_there(SendClass::request, bytes_of_asks, 0);
        const bool streams = streams_wait_ && is_there(SendClass::stream, bytes_of_streams, max_stream_message / 2);
        asks_wait_ = asks_wait_ && !asks;
        streams_wait_ = streams_wait_ && !streams;
        return asks || streams;
    }

 private:
    bool asks_wait_ = false;
    bool streams_wait_ = false;
};

/// Takes what a connection reads. Called from the connection's executor, one call at a time. What it throws ends the
/// connection.
class Receiver {
 public:
    /// Messages are about to be handed out, one or several, and that is over.
    virtual void begin_turn() {}
    /// They have been handed out.
    virtual void end_turn() {}
    /// A whole message; what it lends ends with the call.
    virtual void on_message(const Message& message) = 0;
    /// A message whose body was dropped, and why: `message_too_large` or, over the entity's budget, `busy`.
    virtual void on_discarded(std::string_view metadata, errc why) = 0;
    /// A message of this side that can't reach the other, and was not carried out there.
    virtual void on_undelivered(std::string_view /*metadata*/, const Error& /*why*/) {}
    /// Something was not sent for want of room, and now there is some.
    virtual void on_room() = 0;
    /// The last call: the connection has ended, and why. `errc::closed` when the other side closed in order, or this one.
    virtual void on_end(Error why) = 0;

 protected:
    ~Receiver() = default;
};

/// The turn of a single message.
class ReceiverTurn {
 public:
    explicit ReceiverTurn(Receiver& receiver) : receiver_(receiver) { receiver_.begin_turn(); }
    ReceiverTurn(const ReceiverTurn&) = delete;
    ReceiverTurn& operator=(const ReceiverTurn&) = delete;
    ~ReceiverTurn() { receiver_.end_turn(); }  // NOLINT(bugprone-exception-escape): it does not throw

 private:
    Receiver& receiver_;
};

/// A connection: first both sides send a hello (`read_hello`, `write_hello`), then `start` lets it read messages until the
/// end, and `send`, `close` and `abort` may be called from any thread.
///
/// An interface rather than a concept: it costs one virtual call a message, and keeps what is above it out of
/// templates, which keeps compiling short.
class Connection {
 public:
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The executor of everything this connection does: a strand of its own.
    virtual asio::any_io_executor get_executor() const = 0;

    /// Who is at the other end, as far as the system or TLS says.
    virtual const Credentials& credentials() const = 0;

    /// What a proof may be bound to, so that it is worth nothing elsewhere: the kind of transport, or this very channel.
    virtual std::string binding() const = 0;

    /// The other side's hello, a JSON text. Throws `errc::handshake_failed`, or `authentication_failed`; with
    /// the reason if there was a refusal.
    virtual asio::awaitable<std::string> read_hello() = 0;
    /// Sends this side's hello, a JSON object.
    virtual asio::awaitable<void> write_hello(std::string json) = 0;
    /// Tells the other side why it may not enter, instead of a hello, and ends the connection.
    virtual asio::awaitable<void> refuse(Error why) = 0;

    /// Reads from now on, until it tells the receiver of the end. To be called on its executor. The receiver owns the
    /// connection, and what waits for the next message owns the receiver. No coroutine needs to wait: one that waited for
    /// the end, through three others, took 2.5 of an idle connection's 7.4 kB.
    virtual void start(std::shared_ptr<Receiver> receiver) = 0;

    /// Queues a message and returns at once. Takes the body if the message was queued. Says false, and leaves it, when
    /// there is no room for it (`Receiver::on_room` tells when there is), and once `take_unsent` was called.
    virtual bool send(SendClass send_class, std::string_view metadata, Buffer& body) = 0;

    /// Bytes of answers that the other side has not read. From any thread.
    virtual std::size_t unread_answers() const = 0;

    /// Watches from now on whether the other side is alive. It answers pings, if the transport has such.
    virtual void start_pings() {}

    /// Does one process alone read what is sent here, as it read what was sent over the connection before? Then it can say
    /// what of that it has.
    virtual bool has_one_reader() const { return true; }

    /// After the end: the messages that did not go out whole, oldest first. Nothing can be queued from then on.
    virtual std::vector<UnsentMessage> take_unsent() = 0;

    /// Sends what is queued, says goodbye and closes, within `patience` at the most.
    virtual void close(std::chrono::steady_clock::duration patience = std::chrono::seconds{1}) = 0;
    /// Closes at once: nothing that has come is handed out any more.
    virtual void abort() = 0;

 protected:
    Connection() = default;

    /// `start` for those that read by a coroutine, which says why it ended.
    static void start_coroutine(const asio::any_io_executor& executor, asio::awaitable<Error> reading,
                                std::shared_ptr<Receiver> receiver) {
        asio::co_spawn(executor, tell_end(std::move(reading), std::move(receiver)), asio::detached);
    }

 private:
    static asio::awaitable<void> tell_end(asio::awaitable<Error> reading, std::shared_ptr<Receiver> receiver) {
        Error why;
        try {
            why = co_await std::move(reading);
        } catch (...) {
            why = Error::from(std::current_exception());
        }
        receiver->on_end(std::move(why));
    }
};

}  // namespace communica
