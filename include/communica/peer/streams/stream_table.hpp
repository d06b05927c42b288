// The streams of a peer, by id, and those of them that wait for room on their connection.
#pragma once

#include "../../asio.hpp"
#include "../../connection.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/metadata.hpp"
#include "../waiting_service.hpp"
#include "stream_end.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
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

    /// Why no further stream of the other side's can be accepted now.
    std::optional<Error> refusal() const;

    /// A stream of this id has begun over a connection: gives the credit that the other side has at first. Throws if there is one.
    wire::StreamCredit begin(const std::shared_ptr<StreamEnd>& end, const std::shared_ptr<Connection>& connection,
                             std::string_view id);
    void remove(const StreamEnd& end) override;

    /// A message of a stream has come. One of a stream that has ended is dropped.
    void on_message(const wire::Metadata& metadata, const Message& message);
    /// A message of a stream was lost, on this side or on its way: so is the stream.
    void on_lost(const wire::Metadata& metadata, const Error& why);

    void wait_for_room(std::shared_ptr<StreamEnd> end) override;
    void on_room(const Connection& connection);

    /// The connection has ended, and its streams with it. Gives the ids of those that were being opened.
    std::vector<std::string> end_all(const Connection& connection, const Error& why);
    /// All of them end with this error. The other side is told that this one has closed.
    void close(const Error& why);
    /// The execution context is being destroyed.
    void abandon();

 private:
    using ById = std::map<std::string_view, std::shared_ptr<StreamEnd>>;  // a tree: ids are others' to choose

    ById& of(StreamEnd::Role role) noexcept { return role == StreamEnd::Role::opener ? opened_ : accepted_; }
    std::shared_ptr<StreamEnd> find(const wire::Metadata& metadata, bool is_own);
    std::vector<std::shared_ptr<StreamEnd>> all() const;

    const asio::any_io_executor executor_;

    mutable std::mutex mutex_;  // for what follows; no other is taken under it
    ById opened_;
    ById accepted_;
    std::deque<std::shared_ptr<StreamEnd>> waiting_;
    WaitingService<StreamTable>* service_ = nullptr;  // that knows this, from the first stream on
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_table.ipp"
#endif
