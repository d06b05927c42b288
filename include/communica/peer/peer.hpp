// The other side, as this process sees it: requests both ways, over one connection after another.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "calls_under_way.hpp"
#include "capabilities.hpp"
#include "deadline_timer.hpp"
#include "handlers.hpp"
#include "requester.hpp"
#include "responder.hpp"
#include "streams/stream_table.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace communica::peer {

/// What all peers of one entity share.
struct PeerSettings {
    asio::any_io_executor executor;
    std::shared_ptr<const Handlers> handlers;
    ConnectionOptions connection = {};
    Clock::duration resume_window = std::chrono::seconds{10};
    Destination destination = {};  // for the texts of errors; where it has no name, the client of the peer's id
};

/// The state that outlives a connection: an asking and an answering half. A client has one for its life, a server one
/// for each client id. Thread-safe.
///
/// When it was away for the whole resume window, or comes back as another session, requests that were sent end with
/// `errc::connection_lost`, and the handlers that it waits for are cancelled.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
    /// `expired` is called, without a lock, once the peer was away for the whole resume window.
    Peer(const PeerSettings& settings, std::string id, std::function<void()> expired = {});

    const Handlers& handlers() const noexcept { return *handlers_; }
    NotificationLimits ahead() const noexcept { return ahead_; }
    /// The client id: the other side's on a server, this side's own on a client.
    const std::string& id() const noexcept { return id_; }
    /// The asking half, made for the first who asks: most clients of a server never are.
    const std::shared_ptr<Requester>& requester() {
        if (asker() == nullptr) {
            make_requester();
        }
        return requester_;
    }
    /// The same, but null as long as nobody has asked.
    Requester* asker() const noexcept { return asker_.load(std::memory_order_acquire); }
    Responder& responder() const noexcept { return *responder_; }
    StreamTable& streams() const noexcept { return *streams_; }
    /// Of its handlers. After `close` none starts any more, once these are over.
    CallsUnderWay& calls() noexcept { return calls_; }

    /// What this side can do, for the hello.
    Capabilities offer() const;

    /// Bytes that the value of one message may take.
    std::size_t max_loaded() const noexcept { return max_loaded_; }

    bool is_connected() const;

    /// Has a later connection taken this one's place?
    bool was_replaced(const Connection& connection) const;

    /// Nothing waits here, and nobody is there.
    bool is_idle() const;

    // ---- the life of connections

    /// From now on messages go out over `connection`, first those that waited. An earlier connection is closed, with
    /// the word that it was replaced if it was another session's. Says no, and closes the connection, after `close`.
    bool attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer);

    /// The other side says over `connection` which requests of this side it has. The rest of those that were sent before is
    /// lost, or sent again if that does no harm.
    void on_resumed(const Connection& connection, Bytes body);

    /// The connection has ended: what it did not send waits for the next, and is sent at once if there is one. Who closed
    /// in order answers nothing any more, and waits for no answers: what was sent is lost, what is at work is cancelled.
    void detach(const std::shared_ptr<Connection>& connection, const Error& ending);

    /// Takes no more requests, and tells the other side. `idle` is called, without a lock, each time that nothing is at
    /// work any more.
    void drain(std::function<void()> idle);

    /// Ends every request with `reason`, answers those at work with `errc::closed` and cancels them, says goodbye to the
    /// other side. Nothing starts until `open`.
    void close(const Error& reason);

    void open();

    /// Called by the timer: the resume window has passed.
    void on_timer();

 private:
    void make_requester();

    void end_streams(const Connection& connection, errc why);
    void detach_halves(const std::shared_ptr<Connection>& connection, const Error& ending);

    bool halves_are_idle() const;

    /// Nobody answers what was asked, nor waits for an answer.
    void give_up();

    /// Over the only connection there is, both sides can say what they have of those before.
    void resume_if_alone();

    static void say_goodbye(Connection& connection, const Capabilities& offer, errc why, bool wanted = true);

    const std::shared_ptr<const Handlers> handlers_;
    const std::string id_;
    const std::size_t max_message_;
    const NotificationLimits ahead_;
    const std::size_t max_unsent_;
    const std::size_t max_loaded_;
    const Clock::duration resume_window_;
    const Destination destination_;
    const std::function<void()> expired_;
    const std::shared_ptr<Responder> responder_;
    const std::shared_ptr<StreamTable> streams_;
    const std::shared_ptr<Counters> counters_;
    CallsUnderWay calls_;

    mutable std::mutex mutex_;  // for what follows; the halves' locks may be taken under it, never the reverse
    std::shared_ptr<Connection> connection_;
    std::vector<const Connection*> open_;  // attached and not detached: two for a moment, when one replaces another
    Capabilities offer_;                   // of the connection there is or was last
    bool resumes_ = false;                 // this side has not said yet what it has
    std::unique_ptr<RequestIds> resumed_;  // what the other side has, until an earlier connection has ended
    std::shared_ptr<Requester> requester_;
    std::atomic<Requester*> asker_ = nullptr;  // the same, read without the lock; once set neither changes
    RequestIdCodec text_;                      // that it writes
    DeadlineTimer timer_;
    bool was_connected_ = false;
    std::optional<Error> closed_;  // with which requests end
    bool draining_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "peer.ipp"
#endif
