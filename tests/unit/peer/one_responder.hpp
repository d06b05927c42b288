// A responder whose requests come from the test, and whose coroutines are what the test says.
#pragma once

#include "support/recording_connection.hpp"

#include <communica/peer/responder.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace test {

/// The type of an answer, and the error that it names.
struct Refused {
    int type = 0;
    int status = 0;
    std::string name;
    bool operator==(const Refused&) const = default;
};

inline Refused refused(const SentMessage& answer) {
    const auto body = nlohmann::json::parse(answer.body);
    return {nlohmann::json::parse(answer.metadata)["type"], body.value("code", 0), body.value("errc", "")};
}

inline std::string metadata_of(std::string_view id, std::string_view more = {}) {
    return "{\"id\": \"" + std::string(id) + "\", \"type\": 1" + std::string(more) + "}";
}

class OneResponder {
 public:
    explicit OneResponder(const communica::Limits& limits = {}, std::shared_ptr<communica::Budget> budget = nullptr)
        : responder(std::make_shared<communica::peer::Responder>(
              context.get_executor(), communica::ConnectionOptions{limits, std::move(budget)})) {}

    std::shared_ptr<RecordingConnection> connect(const communica::peer::Capabilities& offer = {}) {
        auto connection = std::make_shared<RecordingConnection>(context);
        responder->attach(connection, offer);
        return connection;
    }

    /// A request at work, whose coroutine only counts how often it was cancelled.
    struct Work {
        std::shared_ptr<communica::peer::InflightCall> call;
        std::shared_ptr<int> cancelled = std::make_shared<int>(0);
    };
    Work begin(const std::shared_ptr<RecordingConnection>& connection, std::string_view metadata,
               std::size_t bytes = 1) {
        communica::wire::MetadataReader reader;
        Work work{responder->begin(connection, reader.read(metadata), bytes).call};
        if (work.call) {
            work.call->signal.slot().assign([count = work.cancelled](asio::cancellation_type) { ++*count; });
        }
        return work;
    }

    /// The coroutine is done, with this result.
    void finish(const Work& work, std::string_view result) const {
        communica::peer::Reply reply;
        reply.body.append(result);
        responder->finish(*work.call, reply);
    }

    void answer(RecordingConnection& connection, std::string_view text,
                communica::SendClass send_class = communica::SendClass::response) const {
        communica::peer::Reply reply;
        reply.body.append(text);
        responder->answer(connection, "{\"id\": \"x\", \"type\": ", "}", reply, send_class);
    }

    /// As a connection that breaks before these of its messages went out.
    void lose(const std::shared_ptr<RecordingConnection>& connection,
              const std::vector<std::size_t>& unsent = {}) const {
        connection->keep_unsent(unsent);
        responder->detach(*connection, connection->take_unsent());
    }

    void run() {
        context.restart();
        context.poll();
    }
    /// Runs until the deadlines of all that is at work have passed.
    void run_until_idle() {
        context.restart();
        while (responder->at_work() != 0 && context.run_one_for(std::chrono::seconds{60}) != 0) {
        }
        context.poll();
    }

    asio::io_context context;
    std::shared_ptr<communica::peer::Responder> responder;
};

}  // namespace test
