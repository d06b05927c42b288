// A peer whose connections, requests and answers come from the test.
#pragma once

#include "support/catch.hpp"
#include "support/recorded_operation.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/peer.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

class OnePeer {
 public:
    explicit OnePeer(communica::peer::Clock::duration resume_window = std::chrono::hours{1},
                     std::function<void()> expired = {})
        : peer(std::make_shared<communica::peer::Peer>(
              communica::peer::PeerSettings{context.get_executor(),
                                            std::make_shared<communica::peer::Handlers>(communica::peer::HandlerMap{}),
                                            communica::ConnectionOptions{}, resume_window},
              "client", std::move(expired))) {}

    std::shared_ptr<RecordingConnection> connect(const communica::peer::Capabilities& offer = {}) {
        auto connection = std::make_shared<RecordingConnection>(context);
        attached = peer->attach(connection, offer);
        return connection;
    }

    std::shared_ptr<Outcome> request(std::string_view body, communica::peer::RequestId id = 0) const {
        communica::peer::Outgoing outgoing;
        outgoing.body.append(body);
        auto outcome = std::make_shared<Outcome>();
        peer->requester()->start(id, std::move(outgoing), RecordedOperation::make(outcome));
        return outcome;
    }

    /// A request of the other side that is at work.
    std::shared_ptr<communica::peer::InflightCall> begin(const std::shared_ptr<RecordingConnection>& connection) const {
        communica::wire::MetadataReader reader;
        return peer->responder().begin(connection, reader.read(R"({"id": "x", "type": 1})"), 1).call;
    }
    void finish(communica::peer::InflightCall& call, std::string_view result) const {
        communica::peer::Reply reply;
        reply.body.append(result);
        peer->responder().finish(call, reply);
    }

    /// As a connection that breaks before these of its messages went out.
    void lose(const std::shared_ptr<RecordingConnection>& connection, const std::vector<std::size_t>& unsent = {},
              communica::errc why = communica::errc::connection_lost) const {
        connection->keep_unsent(unsent);
        peer->detach(connection, {why});
    }

    /// Lets timers that have passed run.
    template <class Predicate>
    void run_until(Predicate predicate) {
        context.restart();
        while (!predicate() && context.run_one_for(std::chrono::seconds{60}) != 0) {
        }
        CHECK(predicate());
    }

    asio::io_context context;
    std::shared_ptr<communica::peer::Peer> peer;
    bool attached = false;
};

}  // namespace test
