#pragma once

#include "../wire/goodbye.hpp"
#include "../wire/metadata_reader.hpp"
#include "peer.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace communica::peer {

COMMUNICA_INLINE Peer::Peer(const PeerSettings& settings, std::string id, std::function<void()> expired)
    : handlers_(settings.handlers),
      id_(std::move(id)),
      max_message_(settings.connection.limits.max_message),
      max_descriptors_(settings.connection.limits.max_descriptors),
      ahead_(NotificationLimits::of(settings.connection.limits)),
      max_unsent_(settings.connection.limits.max_unsent),
      max_loaded_(settings.connection.limits.max_loaded()),
      resume_window_(settings.resume_window),
      destination_(settings.destination),
      expired_(std::move(expired)),
      responder_(std::make_shared<Responder>(settings.executor, settings.connection, settings.handlers)),
      streams_(std::make_shared<StreamTable>(settings.executor, settings.connection)),
      counters_(settings.connection.counters),
      timer_(settings.executor) {}

COMMUNICA_INLINE Capabilities Peer::offer(bool passes_descriptors) const {
    const std::lock_guard lock(mutex_);
    Capabilities offer = full_offer(std::string(text_.session()), max_message_, ahead_);
    offer.max_descriptors = passes_descriptors ? max_descriptors_ : 0;
    return offer;
}

COMMUNICA_INLINE bool Peer::is_connected() const {
    const std::lock_guard lock(mutex_);
    return connection_ != nullptr;
}

COMMUNICA_INLINE bool Peer::was_replaced(const Connection& connection) const {
    const std::lock_guard lock(mutex_);
    return connection_ && connection_.get() != &connection;
}

COMMUNICA_INLINE bool Peer::is_idle() const { return !is_connected() && halves_are_idle(); }

COMMUNICA_INLINE bool Peer::attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer,
                                   std::shared_ptr<NotificationWindow> window) {
    std::unique_lock lock(mutex_);
    if (closed_) {
        lock.unlock();
        connection->close();
        return false;
    }
    const auto earlier = std::exchange(connection_, connection);
    window_ = std::move(window);
    const Capabilities earlier_offer = std::exchange(offer_, offer);
    const bool same_session = earlier_offer.session == offer.session;
    timer_.disarm();
    const bool again = std::exchange(was_connected_, true);
    if (counters_) {
        Counters::add(counters_->connections);
        Counters::add(counters_->reconnects, again ? 1 : 0);
    }
    if (!same_session && !earlier_offer.session.empty()) {
        give_up(resume_window_);
    }
    responder_->attach(connection, offer);
    streams_->set_max_message(offer.max_message);
    open_.push_back(connection.get());
    resumes_ = again && offer.resume && connection->has_one_reader();
    resumed_.reset();
    resume_if_alone();
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

COMMUNICA_INLINE void Peer::on_resumed(const Connection& connection, Bytes body) {
    const std::lock_guard lock(mutex_);
    if (connection_.get() != &connection || !requester_) {
        return;
    }
    if (auto ids = requester_->read_resumed(body)) {
        resumed_ = std::move(ids);
        resume_if_alone();
    }
}

COMMUNICA_INLINE UnconfirmedNotifications Peer::detach(const std::shared_ptr<Connection>& connection,
                                                       const Error& ending) {
    const errc why = ending.code == errc::closed ? errc::closed : errc::connection_lost;
    end_streams(*connection, why);
    auto unconfirmed = detach_halves(connection, ending);
    end_streams(*connection, why);  // streams that began meanwhile
    return unconfirmed;
}

COMMUNICA_INLINE void Peer::end_streams(const Connection& connection, errc why) {
    for (const std::string& id : streams_->end_all(connection, {why})) {
        if (Requester* const requester = made_requester()) {
            requester->on_lost(id);
        }
    }
}

COMMUNICA_INLINE UnconfirmedNotifications Peer::detach_halves(const std::shared_ptr<Connection>& connection,
                                                              const Error& ending) {
    const std::lock_guard lock(mutex_);
    std::erase(open_, connection.get());
    std::vector<UnsentMessage> requests;
    std::vector<UnsentMessage> answers;
    wire::MetadataReader reader;
    for (UnsentMessage& message : connection->take_unsent()) {
        (reader.read(message.metadata).is_answer() ? answers : requests).push_back(std::move(message));
    }
    responder_->detach(*connection, std::move(answers));
    auto unconfirmed = requester_ ? requester_->detach(*connection, std::move(requests)) : UnconfirmedNotifications();
    if (connection_ == connection) {
        connection_.reset();
        window_.reset();
        if (ending.code == errc::closed) {
            connection->has_one_reader() ? give_up(resume_window_) : responder_->abandon(resume_window_);
        }
        if (!closed_ && (expired_ || !halves_are_idle())) {
            timer_.arm(deadline_after(resume_window_), weak_from_this());
        }
    } else {
        resume_if_alone();
    }
    return unconfirmed;
}

COMMUNICA_INLINE void Peer::drain(std::function<void()> idle) {
    responder_->drain(std::move(idle));
    const std::lock_guard lock(mutex_);
    draining_ = true;
    if (connection_) {
        say_goodbye(*connection_, offer_, errc::draining);
    }
}

COMMUNICA_INLINE void Peer::close(const Error& reason) {
    std::shared_ptr<Connection> connection;
    std::shared_ptr<NotificationWindow> window;
    std::vector<std::shared_ptr<InflightCall>> cancelled;
    {
        const std::lock_guard lock(mutex_);
        closed_ = reason.worded();
    }
    streams_->close(reason);
    {
        const std::lock_guard lock(mutex_);
        connection = std::exchange(connection_, nullptr);
        window = std::exchange(window_, nullptr);
        timer_.disarm();
        cancelled = responder_->close();
        if (requester_) {
            requester_->close(reason);
        }
    }
    if (connection) {
        if (window) {  // posted: a handler that calls this has then ended
            base::post_or_again(connection->get_executor(), [window] { window->close(); });
        }
        connection->close();
    }
    if (reason.code == errc::connection_lost) {  // what this side closes is not reported
        LateHandlers(handlers_).report_forgotten(cancelled);
    }
}

COMMUNICA_INLINE void Peer::open() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, std::nullopt)) {
        text_ = RequestIdCodec();
    }
    draining_ = false;
    offer_ = {};
    responder_->open();
    if (requester_) {
        requester_->open(text_);
    }
}

COMMUNICA_INLINE void Peer::on_timer() {
    {
        const std::lock_guard lock(mutex_);
        timer_.has_run();
        if (connection_ || closed_) {
            return;
        }
        give_up({});
        text_ = RequestIdCodec();  // a peer that returns later sees another session
        if (requester_) {
            requester_->renew(text_);
        }
    }
    responder_->cancel_expired();
    if (expired_) {
        expired_();
    }
}

COMMUNICA_INLINE void Peer::make_requester() {
    const std::lock_guard lock(mutex_);
    if (requester_) {
        return;
    }
    Destination destination = destination_;
    if (destination.name.empty()) {
        destination.name = "client \"" + id_ + "\"";
    }
    auto made = std::make_shared<Requester>(timer_.executor(), max_unsent_, counters_, text_, std::move(destination),
                                            max_loaded_, streams_);
    made->set_asking_interceptor(handlers_->asking_interceptor());
    if (closed_) {
        made->close(*closed_);
    } else if (connection_) {
        made->attach(connection_, offer_);
    }
    requester_ = std::move(made);
    made_requester_.store(requester_.get(), std::memory_order_release);
}

COMMUNICA_INLINE bool Peer::halves_are_idle() const {
    const Requester* const requester = made_requester();
    return (requester == nullptr || requester->is_idle()) && responder_->is_idle();
}

COMMUNICA_INLINE void Peer::give_up(Clock::duration window) {
    if (Requester* const requester = made_requester()) {
        requester->give_up_sent();
    }
    responder_->abandon(window);
}

COMMUNICA_INLINE void Peer::resume_if_alone() {
    if (open_.size() != 1) {
        return;
    }
    if (std::exchange(resumes_, false)) {
        responder_->send_resumed();
    }
    if (const auto ids = std::exchange(resumed_, nullptr); ids && requester_) {
        requester_->on_resumed(*ids);
    }
}

COMMUNICA_INLINE void Peer::say_goodbye(Connection& connection, const Capabilities& offer, errc why, bool wanted) {
    if (offer.goodbye && wanted) {
        Buffer metadata;
        Buffer body;
        wire::write_metadata(metadata, {.type = wire::MessageType::goodbye});
        wire::write_goodbye(body, why);
        connection.send(SendClass::response, metadata.text(), body);
    }
}

}  // namespace communica::peer
