#pragma once

#include "../reply.hpp"
#include "stream_table.hpp"

#include <algorithm>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE StreamTable::StreamTable(asio::any_io_executor executor, const ConnectionOptions& options)
    : StreamOwner(options.limits, options.budget), executor_(std::move(executor)) {}

COMMUNICA_INLINE std::optional<Error> StreamTable::refusal() const {
    if (budget() && budget()->is_over()) {
        return over_budget();
    }
    const std::lock_guard lock(mutex_);
    if (accepted_.size() >= limits().max_streams) {
        return Error{
            .code = errc::busy, .message = "too many open streams", .status = 503, .kind = Error::Kind::responder};
    }
    return std::nullopt;
}

COMMUNICA_INLINE wire::StreamCredit StreamTable::begin(const std::shared_ptr<StreamEnd>& end,
                                                       const std::shared_ptr<Connection>& connection,
                                                       std::string_view id) {
    const auto credit = end->begin(shared_from_this(), connection, executor_of(connection), id);
    const std::lock_guard lock(mutex_);
    if (service_ == nullptr) {
        service_ = &WaitingService<StreamTable>::of(executor_);
        service_->add(shared_from_this());
    }
    if (!of(end->role()).insert(end).second) {
        wire::throw_stream_error("opens a stream that is open");
    }
    return credit;
}

/// The streams of a connection share its executor.
COMMUNICA_INLINE std::shared_ptr<const asio::any_io_executor> StreamTable::executor_of(
    const std::shared_ptr<Connection>& connection) {
    const std::lock_guard lock(mutex_);
    if (last_connection_.owner_before(connection) || connection.owner_before(last_connection_)) {
        last_executor_ = std::make_shared<const asio::any_io_executor>(connection->get_executor());
        last_connection_ = connection;
    }
    return last_executor_;
}

/// A connection that has ended leaves no memory.
COMMUNICA_INLINE void StreamTable::forget_executor() {
    std::weak_ptr<Connection> connection;
    std::shared_ptr<const asio::any_io_executor> executor;
    const std::lock_guard lock(mutex_);
    std::swap(connection, last_connection_);
    std::swap(executor, last_executor_);
}

COMMUNICA_INLINE void StreamTable::remove(const StreamEnd& end) {
    std::shared_ptr<StreamEnd> last;  // perhaps the last reference, so destroyed after the lock is released
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const WaitingForRoom& waiting) { return waiting.end.get() == &end; });
    ById& streams = of(end.role());
    if (const auto found = streams.find(end.id()); found != streams.end() && found->get() == &end) {
        last = *found;
        streams.erase(found);
    }
}

COMMUNICA_INLINE std::shared_ptr<StreamEnd> StreamTable::find(const wire::Metadata& metadata, bool is_own) {
    const bool is_for_opener = (metadata.type == wire::MessageType::stream_to_opener) != is_own;
    const std::lock_guard lock(mutex_);
    const ById& streams = is_for_opener ? opened_ : accepted_;
    const auto found = streams.find(metadata.id);
    return found == streams.end() ? nullptr : *found;
}

COMMUNICA_INLINE void StreamTable::on_message(const wire::Metadata& metadata, const Message& message) {
    if (const auto end = find(metadata, false)) {
        end->on_message(message.body, message.backing_buffer);
    }
}

COMMUNICA_INLINE void StreamTable::on_lost(const wire::Metadata& metadata, const Error& why) {
    for (const bool is_own : {false, true}) {  // a message of the peer, or one to the peer
        if (const auto end = find(metadata, is_own)) {
            return end->cancel(why);
        }
    }
}

COMMUNICA_INLINE void StreamTable::wait_for_room(std::shared_ptr<StreamEnd> end, const Connection& connection) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(end), &connection});
}

COMMUNICA_INLINE void StreamTable::on_room(const Connection& connection) {
    for (;;) {
        std::shared_ptr<StreamEnd> end;
        {
            const std::lock_guard lock(mutex_);
            const auto next = std::find_if(waiting_.begin(), waiting_.end(), [&](const WaitingForRoom& waiting) {
                return waiting.connection == &connection;
            });
            if (next == waiting_.end()) {
                return;
            }
            end = std::move(next->end);
            waiting_.erase(next);
        }
        if (!end->send_more()) {
            return;  // it waits again, behind the others
        }
    }
}

COMMUNICA_INLINE std::vector<std::shared_ptr<StreamEnd>> StreamTable::all() const {
    std::vector<std::shared_ptr<StreamEnd>> all;
    const std::lock_guard lock(mutex_);
    all.reserve(opened_.size() + accepted_.size());
    for (const ById* streams : {&opened_, &accepted_}) {
        all.insert(all.end(), streams->begin(), streams->end());
    }
    return all;
}

COMMUNICA_INLINE std::vector<std::string> StreamTable::end_all(const Connection& connection, const Error& why) {
    std::vector<std::string> opening;
    forget_executor();
    for (const auto& end : all()) {
        if (end->is_over(connection)) {
            if (end->is_opening()) {
                opening.emplace_back(end->id());
            }
            end->fail(why);
        }
    }
    return opening;
}

COMMUNICA_INLINE void StreamTable::close(const Error& why) {
    const Error told{.code = errc::closed, .message = "closed", .status = 503, .kind = Error::Kind::responder};
    for (const auto& end : all()) {
        end->close(why, told);
    }
}

COMMUNICA_INLINE void StreamTable::abandon() {
    {
        const std::lock_guard lock(mutex_);
        service_ = nullptr;
    }
    forget_executor();
    for (const auto& end : all()) {
        end->abandon();
    }
}

}  // namespace communica::peer
