// A requester whose connections and answers come from the test.
#pragma once

#include "support/recorded_operation.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/requester.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

inline communica::peer::Outgoing outgoing(std::string_view body) {
    communica::peer::Outgoing outgoing;
    outgoing.body.append(body);
    return outgoing;
}

inline communica::Buffer body_of(std::string_view text) {
    communica::Buffer body;
    body.append(text);
    return body;
}

class OneRequester {
 public:
    explicit OneRequester(std::size_t max_unsent = communica::Limits{}.max_unsent)
        : requester(std::make_shared<communica::peer::Requester>(context.get_executor(), max_unsent)) {}

    std::shared_ptr<RecordingConnection> connect(const communica::peer::Capabilities& offer = {}) {
        return connect(std::make_shared<RecordingConnection>(context), offer);
    }
    std::shared_ptr<RecordingConnection> connect(std::shared_ptr<RecordingConnection> connection,
                                                 const communica::peer::Capabilities& offer = {}) {
        requester->attach(connection, offer);
        return connection;
    }

    std::shared_ptr<Outcome> start(communica::peer::Outgoing message, communica::peer::RequestId id = 0) {
        auto outcome = std::make_shared<Outcome>();
        auto operation = RecordedOperation::make(outcome);
        requester->start(id, std::move(message), std::move(operation));
        return outcome;
    }
    std::shared_ptr<Outcome> request(std::string_view body, communica::peer::RequestId id = 0) {
        return start(outgoing(body), id);
    }
    std::shared_ptr<Outcome> notify(std::string_view body) {
        auto message = outgoing(body);
        message.type = communica::wire::MessageType::notification;
        return start(std::move(message));
    }

    /// The answer to a request that was sent.
    void answer(const SentMessage& request, std::string_view body) const {
        communica::wire::MetadataReader reader;
        auto metadata = reader.read(request.metadata);
        metadata.type = communica::wire::MessageType::ok;
        requester->on_answer(metadata, {{}, communica::as_bytes(body)});
    }

    /// As a connection that breaks before these of its messages went out.
    void lose(const std::shared_ptr<RecordingConnection>& connection,
              const std::vector<std::size_t>& unsent = {}) const {
        connection->keep_unsent(unsent);
        requester->detach(*connection, connection->take_unsent());
    }

    /// Lets timers that have passed run.
    void run_until(const std::shared_ptr<Outcome>& outcome) {
        context.restart();
        while (outcome->completions == 0 && context.run_one_for(std::chrono::seconds{60}) != 0) {
        }
    }

    asio::io_context context;
    std::shared_ptr<communica::peer::Requester> requester;
};

}  // namespace test
