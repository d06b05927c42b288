// A peer, as this process sees it: requests in both directions, over successive connections.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../lock_order.hpp"
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
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace communica::peer {

/// The settings that all peers of an entity share.
struct PeerSettings {
    asio::any_io_executor executor;
    std::shared_ptr<const Handlers> handlers;
    ConnectionOptions connection = {};
    Clock::duration resume_window = std::chrono::seconds{10};
    Destination destination = {};  // for error texts; `client "ID"` if it has no name
};

/// The state that outlives connections: a requester and a responder. A client has one peer, a server has one for each
/// client id. Thread-safe.
///
/// After a resume window without a connection, or if the peer returns with another session, sent requests fail with
/// `errc::connection_lost` and the handlers of the peer's requests are cancelled. Those of its notifications are
/// cancelled a resume window after its session has ended.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
    /// `expired` is called, without a lock, after a whole resume window without a connection.
    Peer(const PeerSettings& settings, std::string id, std::function<void()> expired = {});

    const Handlers& handlers() const noexcept { return *handlers_; }
    NotificationLimits ahead() const noexcept { return ahead_; }
    /// The client id: the peer's on a server, this side's own on a client.
    const std::string& id() const noexcept { return id_; }
    /// Returns the requester. Creates it at the first use, because a server sends no requests to most clients.
    const std::shared_ptr<Requester>& requester() {
        if (made_requester() == nullptr) {
            make_requester();
        }
        return requester_;
    }
    /// Returns the requester, or null before its first use.
    Requester* made_requester() const noexcept { return made_requester_.load(std::memory_order_acquire); }
    Responder& responder() const noexcept { return *responder_; }
    StreamTable& streams() const noexcept { return *streams_; }
    /// The running calls of handlers. After `close`, once these have ended, none starts.
    CallsUnderWay& calls() noexcept { return calls_; }

    /// The extensions of this side, for the hello. `passes_descriptors`: the connection does.
    Capabilities offer(bool passes_descriptors = false) const;

    /// Bytes that the value of one message may allocate.
    std::size_t max_loaded() const noexcept { return max_loaded_; }

    bool is_connected() const;

    /// True if a later connection has replaced this one.
    bool was_replaced(const Connection& connection) const;

    /// True without a connection, pending requests, running calls and unsent answers.
    bool is_idle() const;

    // ---- connections

    /// Sends messages over `connection` from now on, queued ones first. Closes an earlier connection; if that was
    /// of another session, with a goodbye that it was replaced. After `close`, closes `connection` and returns false.
    /// `window` counts the peer's notifications over `connection`; null if the peer does not support that.
    bool attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer,
                std::shared_ptr<NotificationWindow> window = nullptr);

    /// The peer has reported over `connection` which of this side's requests it has. The other requests of earlier
    /// connections fail, or are sent again if idempotent.
    void on_resumed(const Connection& connection, Bytes body);

    /// The connection has ended. Its unsent messages wait for the next, or are sent at once if there is one. If the
    /// peer has closed in order, it neither answers nor waits for answers: the handlers of its requests are cancelled,
    /// and sent requests fail (unless the connection has several readers). Returns the notifications of this side that
    /// may be lost.
    UnconfirmedNotifications detach(const std::shared_ptr<Connection>& connection, const Error& ending);

    /// Refuses new requests, and tells the peer. `idle` is called, without a lock, each time the last running call
    /// ends.
    void drain(std::function<void()> idle);

    /// Fails every request with `reason`, answers running requests with `errc::closed`, cancels them, and closes the
    /// connection with a goodbye. Nothing starts until `open`.
    void close(const Error& reason);

    void open();

    /// Called by the timer: the resume window has passed.
    void on_timer();

 private:
    void make_requester();

    void end_streams(const Connection& connection, errc why);
    UnconfirmedNotifications detach_halves(const std::shared_ptr<Connection>& connection, const Error& ending);

    bool halves_are_idle() const;

    /// The session is over: fails sent requests, and cancels the handlers of requests now, those of notifications after
    /// `window`.
    void give_up(Clock::duration window);

    /// With a single connection open, reports the peer's running requests and applies the peer's report.
    void resume_if_alone();

    static void say_goodbye(Connection& connection, const Capabilities& offer, errc why, bool wanted = true);

    const std::shared_ptr<const Handlers> handlers_;
    const std::string id_;
    const std::size_t max_message_;
    const std::size_t max_descriptors_;
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

    mutable base::OrderedMutex<base::LockOrder::peer> mutex_;  // guards the members below
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<NotificationWindow> window_;  // of `connection_`; may be null
    std::vector<const Connection*> open_;         // attached and not detached: briefly two, when one replaces another
    Capabilities offer_;                          // of the current or the last connection
    bool resumes_ = false;                        // this side has yet to report which requests it has
    std::unique_ptr<RequestIds> resumed_;         // the peer's report, until earlier connections have ended
    std::shared_ptr<Requester> requester_;
    std::atomic<Requester*> made_requester_ = nullptr;  // the same, read without the lock; once set neither changes
    RequestIdCodec text_;                               // writes the ids of its requests
    DeadlineTimer timer_;
    bool was_connected_ = false;
    std::optional<Error> closed_;  // the error of all requests
    bool draining_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "peer.ipp"
#endif
