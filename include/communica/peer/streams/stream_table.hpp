// The streams of a peer by id, and the queue of those that wait for room on their connection.
#pragma once

#include "../../asio.hpp"
#include "../../connection.hpp"
#include "../../lock_order.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/metadata.hpp"
#include "../waiting_service.hpp"
#include "stream_end.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace communica::peer {

/// Thread-safe.
class StreamTable final : public StreamOwner, public std::enable_shared_from_this<StreamTable> {
 public:
    StreamTable(asio::any_io_executor executor, const ConnectionOptions& options);
    StreamTable(const StreamTable&) = delete;
    StreamTable& operator=(const StreamTable&) = delete;
    ~StreamTable() {
        if (service_ != nullptr) {
            service_->remove(this);
        }
    }

    /// Returns the error if the peer may not open another stream now.
    std::optional<Error> refusal() const;

    /// Registers a stream that begins over a connection, and returns the peer's first credit. Throws if the id is in
    /// use.
    wire::StreamCredit begin(const std::shared_ptr<StreamEnd>& end, const std::shared_ptr<Connection>& connection,
                             std::string_view id);
    void remove(const StreamEnd& end) override;
    /// Sets the limits of this entity on the time of an accepted stream.
    void set_deadlines(StreamEnd& end) const {
        const bool has_one =
            limits().stream_time_limit != StreamTimer::never || limits().stream_idle_limit != StreamTimer::never;
        if (const auto timer = has_one ? end.timer() : nullptr) {
            timer->set_whole(limits().stream_time_limit);
            timer->set_idle(limits().stream_idle_limit);
        }
    }

    /// Passes a message to its stream. A message of an ended stream is dropped.
    void on_message(const wire::Metadata& metadata, const Message& message);
    /// Cancels the stream of a message that was lost, on this side or on its way.
    void on_lost(const wire::Metadata& metadata, const Error& why);

    void wait_for_room(std::shared_ptr<StreamEnd> end, const Connection& connection) override;
    void on_room(const Connection& connection);

    /// Ends the streams of a connection that has ended. Returns the ids of those that the peer had not accepted.
    std::vector<std::string> end_all(const Connection& connection, const Error& why);
    /// Ends all streams with this error. The peer is told that this side has closed.
    void close(const Error& why);
    /// The execution context is being destroyed. Destroys all waiters.
    void abandon();

 private:
    struct ComparesIds {
        using is_transparent = void;
        static std::string_view id_of(std::string_view id) noexcept { return id; }
        static std::string_view id_of(const std::shared_ptr<StreamEnd>& end) noexcept { return end->id(); }
        bool operator()(const auto& one, const auto& other) const noexcept { return id_of(one) < id_of(other); }
    };
    using ById = std::set<std::shared_ptr<StreamEnd>, ComparesIds>;  // a tree, because the peer chooses ids

    /// Sends more once this connection, which is the stream's, has room.
    struct WaitingForRoom {
        std::shared_ptr<StreamEnd> end;
        const Connection* connection;
    };

    ById& of(StreamEnd::Role role) noexcept { return role == StreamEnd::Role::opener ? opened_ : accepted_; }
    std::shared_ptr<StreamEnd> find(const wire::Metadata& metadata, bool is_own);
    std::shared_ptr<const asio::any_io_executor> executor_of(const std::shared_ptr<Connection>& connection);
    void forget_executor();
    std::vector<std::shared_ptr<StreamEnd>> all() const;

    const asio::any_io_executor executor_;

    mutable base::OrderedMutex<base::LockOrder::streams> mutex_;  // guards the members below
    ById opened_;
    ById accepted_;
    std::list<WaitingForRoom> waiting_;          // allocates nothing while it is empty
    std::weak_ptr<Connection> last_connection_;  // that a stream began over
    std::shared_ptr<const asio::any_io_executor> last_executor_;
    WaitingService<StreamTable>* service_ = nullptr;  // where this is registered, from the first stream on
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_table.ipp"
#endif
