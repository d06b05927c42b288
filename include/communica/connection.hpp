// The narrow waist, part one: a connection carries messages between two processes, whatever it is made of.
#pragma once

#include "asio.hpp"
#include "buffer.hpp"
#include "error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace communica {

/// One message as a transport knows it: the metadata's JSON text and the body, both borrowed.
struct Message {
    std::string_view metadata;
    Bytes body;
};

/// A message that has not gone out yet.
struct UnsentMessage {
    std::string metadata;
    Buffer body;
};

/// Who is on the other side, as far as the operating system vouches for it.
struct Credentials {
    std::optional<std::int64_t> pid;  ///< of the process that connected
    std::optional<std::int64_t> uid;  ///< POSIX user id
};

/// Takes what a connection reads. Called from the connection's executor, one call at a time. What it throws ends the
/// connection.
class Receiver {
 public:
    virtual void on_message(const Message& message) = 0;
    /// A message over the limit: its metadata, no body.
    virtual void on_oversized(std::string_view metadata) = 0;

 protected:
    ~Receiver() = default;
};

/// A connection: first both sides send a hello (`read_hello`, `write_hello`), then `run` reads messages until the end,
/// and `send`, `close` and `abort` may be called from any thread.
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

    virtual const Credentials& credentials() const = 0;

    /// The other side's hello, a JSON text. Throws `errc::handshake_failed`, with the reason if there was a refusal.
    virtual asio::awaitable<std::string> read_hello() = 0;
    virtual asio::awaitable<void> write_hello(std::string json) = 0;
    /// Tells the other side why it may not enter, instead of a hello, and ends the connection.
    virtual asio::awaitable<void> refuse(std::string reason) = 0;

    /// Reads until the connection ends and says why: `errc::closed` when the other side closed in order, or this one.
    virtual asio::awaitable<Error> run(Receiver& receiver) = 0;

    /// Queues a message and returns at once. Takes the body if the message was queued; says false, and leaves it,
    /// once `take_unsent` was called.
    virtual bool send(std::string_view metadata, Buffer& body) = 0;

    /// After `run`: the messages of which no byte went out, oldest first. Nothing can be queued from then on.
    virtual std::vector<UnsentMessage> take_unsent() = 0;

    /// Sends what is queued, says goodbye and closes, within `patience` at the most.
    virtual void close(std::chrono::steady_clock::duration patience = std::chrono::seconds{1}) = 0;
    /// Closes at once.
    virtual void abort() = 0;

 protected:
    Connection() = default;
};

}  // namespace communica
