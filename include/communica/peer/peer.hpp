// The other side, as this process sees it: requests both ways, over one connection after another.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/goodbye.hpp"
#include "../wire/metadata_reader.hpp"
#include "deadline_timer.hpp"
#include "handlers.hpp"
#include "offer.hpp"
#include "requester.hpp"
#include "responder.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace communica::peer {

/// What all peers of one entity share.
struct PeerSettings {
    asio::any_io_executor executor;
    std::shared_ptr<const Handlers> handlers;
    ConnectionOptions connection = {};
    Clock::duration resume_window = std::chrono::seconds{10};
};

/// The state that outlives a connection: an asking and an answering half. A client has one for its life, a server one
/// for each client id. Thread-safe.
///
/// When it was away for the whole resume window, or comes back as another session, requests that were sent end with
/// `errc::connection_lost`, and the handlers that it waits for are cancelled.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
    /// `expired` is called, without a lock, once the peer was away for the whole resume window.
    Peer(const PeerSettings& settings, std::string id, std::function<void()> expired = {})
        : handlers_(settings.handlers),
          id_(std::move(id)),
          max_message_(settings.connection.limits.max_message),
          resume_window_(settings.resume_window),
          expired_(std::move(expired)),
          requester_(std::make_shared<Requester>(settings.executor, settings.connection.limits.max_unsent,
                                                 settings.connection.counters)),
          responder_(std::make_shared<Responder>(settings.executor, settings.connection)),
          counters_(settings.connection.counters),
          timer_(settings.executor) {}

    const Handlers& handlers() const noexcept { return *handlers_; }
    /// The client id: the other side's on a server, this side's own on a client.
    const std::string& id() const noexcept { return id_; }
    const std::shared_ptr<Requester>& requester() const noexcept { return requester_; }
    Responder& responder() const noexcept { return *responder_; }

    /// What this side can do, for the hello.
    Offer offer() const { return full_offer(requester_->session(), max_message_); }

    bool is_connected() const {
        const std::lock_guard lock(mutex_);
        return connection_ != nullptr;
    }

    /// Has a later connection taken this one's place?
    bool was_replaced(const Connection& connection) const {
        const std::lock_guard lock(mutex_);
        return connection_ && connection_.get() != &connection;
    }

    /// Nothing waits here, and nobody is there.
    bool is_idle() const { return !is_connected() && requester_->is_idle() && responder_->is_idle(); }

    // ---- the life of connections

    /// From now on messages go out over `connection`, first those that waited. An earlier connection is closed, with
    /// the word that it was replaced if it was another session's. Says no, and closes the connection, after `close`.
    bool attach(const std::shared_ptr<Connection>& connection, const Offer& offer) {
        std::unique_lock lock(mutex_);
        if (closed_) {
            lock.unlock();
            connection->close();
            return false;
        }
        const auto earlier = std::exchange(connection_, connection);
        const Offer earlier_offer = std::exchange(offer_, offer);
        const bool same_session = earlier_offer.session == offer.session;
        timer_.disarm();
        if (counters_) {
            Counters::add(counters_->connections);
            if (std::exchange(was_connected_, true)) {
                Counters::add(counters_->reconnects);
            }
        }
        if (!same_session && !earlier_offer.session.empty()) {
            requester_->give_up_sent();
            responder_->abandon();
        }
        responder_->attach(connection, offer);
        requester_->attach(connection, offer);
        const bool draining = draining_;
        lock.unlock();
        if (earlier) {
            say_goodbye(*earlier, earlier_offer, errc::replaced, !same_session || offer.session.empty());
            earlier->close();
        }
        if (draining) {
            say_goodbye(*connection, offer, errc::draining);
        }
        return true;
    }

    /// The connection has ended: what it did not send waits for the next, and is sent at once if there is one. Who closed
    /// in order waits for no answers: what is at work is cancelled.
    void detach(const std::shared_ptr<Connection>& connection, const Error& ending) {
        const std::lock_guard lock(mutex_);
        std::vector<UnsentMessage> requests;
        std::vector<UnsentMessage> answers;
        wire::MetadataReader reader;
        for (UnsentMessage& message : connection->take_unsent()) {
            (reader.read(message.metadata).is_answer() ? answers : requests).push_back(std::move(message));
        }
        responder_->detach(*connection, std::move(answers));
        requester_->detach(*connection, std::move(requests));
        if (connection_ == connection) {
            connection_.reset();
            if (ending.code == errc::closed) {
                responder_->abandon();
            }
            if (!closed_ && (expired_ || !requester_->is_idle() || !responder_->is_idle())) {
                timer_.arm(deadline_after(resume_window_), weak_from_this());
            }
        }
    }

    /// Takes no more requests, and tells the other side. `idle` is called, without a lock, each time that nothing is at
    /// work any more.
    void drain(std::function<void()> idle) {
        responder_->drain(std::move(idle));
        const std::lock_guard lock(mutex_);
        draining_ = true;
        if (connection_) {
            say_goodbye(*connection_, offer_, errc::draining);
        }
    }

    /// Ends every request with `reason`, answers those at work with `errc::closed` and cancels them, says goodbye to the
    /// other side. Nothing starts until `open`.
    void close(const Error& reason) {
        std::shared_ptr<Connection> connection;
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            connection = std::exchange(connection_, nullptr);
            timer_.disarm();
            responder_->close();
            requester_->close(reason);
        }
        if (connection) {
            connection->close();
        }
    }

    void open() {
        const std::lock_guard lock(mutex_);
        closed_ = draining_ = false;
        offer_ = {};
        responder_->open();
        requester_->open();
    }

    /// Called by the timer: the resume window has passed.
    void on_timer() {
        {
            const std::lock_guard lock(mutex_);
            timer_.has_run();
            if (connection_ || closed_) {
                return;
            }
        }
        requester_->give_up_sent();
        responder_->abandon();
        if (expired_) {
            expired_();
        }
    }

 private:
    static void say_goodbye(Connection& connection, const Offer& offer, errc why, bool wanted = true) {
        if (offer.goodbye && wanted) {
            Buffer metadata;
            Buffer body;
            wire::write_metadata(metadata, {.type = wire::MessageType::goodbye});
            wire::write_goodbye(body, why);
            connection.send(Purpose::answer, metadata.text(), body);
        }
    }

    const std::shared_ptr<const Handlers> handlers_;
    const std::string id_;
    const std::size_t max_message_;
    const Clock::duration resume_window_;
    const std::function<void()> expired_;
    const std::shared_ptr<Requester> requester_;
    const std::shared_ptr<Responder> responder_;
    const std::shared_ptr<Counters> counters_;

    mutable std::mutex mutex_;  // for what follows; the halves' locks may be taken under it, never the reverse
    std::shared_ptr<Connection> connection_;
    Offer offer_;  // of the connection there is or was last
    DeadlineTimer timer_;
    bool was_connected_ = false;
    bool closed_ = false;
    bool draining_ = false;
};

}  // namespace communica::peer
