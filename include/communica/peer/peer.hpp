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

#include <atomic>
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
          max_unsent_(settings.connection.limits.max_unsent),
          resume_window_(settings.resume_window),
          expired_(std::move(expired)),
          responder_(std::make_shared<Responder>(settings.executor, settings.connection)),
          counters_(settings.connection.counters),
          timer_(settings.executor) {}

    const Handlers& handlers() const noexcept { return *handlers_; }
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

    /// What this side can do, for the hello.
    Offer offer() const {
        const std::lock_guard lock(mutex_);
        return full_offer(std::string(text_.session()), max_message_);
    }

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
    bool is_idle() const { return !is_connected() && halves_are_idle(); }

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
            give_up();
        }
        responder_->attach(connection, offer);
        if (requester_) {
            requester_->attach(connection, offer);
        }
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
        if (requester_) {
            requester_->detach(*connection, std::move(requests));
        }
        if (connection_ == connection) {
            connection_.reset();
            if (ending.code == errc::closed) {
                responder_->abandon();
            }
            if (!closed_ && (expired_ || !halves_are_idle())) {
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
            closed_ = std::make_unique<const Error>(reason);
            connection = std::exchange(connection_, nullptr);
            timer_.disarm();
            responder_->close();
            if (requester_) {
                requester_->close(reason);
            }
        }
        if (connection) {
            connection->close();
        }
    }

    void open() {
        const std::lock_guard lock(mutex_);
        if (std::exchange(closed_, nullptr)) {
            text_ = RequestText();
        }
        draining_ = false;
        offer_ = {};
        responder_->open();
        if (requester_) {
            requester_->open(text_);
        }
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
        give_up();
        if (expired_) {
            expired_();
        }
    }

 private:
    void make_requester() {
        const std::lock_guard lock(mutex_);
        if (requester_) {
            return;
        }
        auto made = std::make_shared<Requester>(timer_.executor(), max_unsent_, counters_, text_);
        if (closed_) {
            made->close(*closed_);
        } else if (connection_) {
            made->attach(connection_, offer_);
        }
        requester_ = std::move(made);
        asker_.store(requester_.get(), std::memory_order_release);
    }

    bool halves_are_idle() const {
        const Requester* const asks = asker();
        return (asks == nullptr || asks->is_idle()) && responder_->is_idle();
    }

    /// Nobody answers what was asked, nor waits for an answer.
    void give_up() {
        if (Requester* const asks = asker()) {
            asks->give_up_sent();
        }
        responder_->abandon();
    }

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
    const std::size_t max_unsent_;
    const Clock::duration resume_window_;
    const std::function<void()> expired_;
    const std::shared_ptr<Responder> responder_;
    const std::shared_ptr<Counters> counters_;

    mutable std::mutex mutex_;  // for what follows; the halves' locks may be taken under it, never the reverse
    std::shared_ptr<Connection> connection_;
    Offer offer_;  // of the connection there is or was last
    std::shared_ptr<Requester> requester_;
    std::atomic<Requester*> asker_ = nullptr;  // the same, read without the lock; once set neither changes
    RequestText text_;                         // that it writes
    DeadlineTimer timer_;
    bool was_connected_ = false;
    std::unique_ptr<const Error> closed_;  // with which requests end
    bool draining_ = false;
};

}  // namespace communica::peer
