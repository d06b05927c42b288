// A connection without a transport: what is sent over it is kept for the test to look at.
#pragma once

#include <communica/connection.hpp>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace test {

struct SentMessage {
    std::string metadata;
    std::string body;
    bool operator==(const SentMessage&) const = default;
};

/// The half of a request's id that all ids of its session share.
inline std::string session_of(const SentMessage& request) {
    return nlohmann::json::parse(request.metadata).at("id").get<std::string>().substr(0, 16);
}

class RecordingConnection final : public communica::Connection {
 public:
    explicit RecordingConnection(asio::io_context& context) : context_(context) {}

    std::vector<SentMessage> sent = {};
    /// What each of them was sent for.
    std::vector<communica::SendClass> send_classes = {};
    /// How many messages are still taken.
    std::size_t capacity = static_cast<std::size_t>(-1);
    /// How many requests and notifications there is room for.
    std::size_t room = static_cast<std::size_t>(-1);
    /// For how many of low priority.
    std::size_t low_room = static_cast<std::size_t>(-1);
    /// What `unread_answers` says.
    std::size_t unread = 0;
    /// What `unwritten_requests` says.
    std::size_t unwritten = 0;
    /// What `take_unsent` is going to give back.
    std::vector<communica::UnsentMessage> unsent = {};
    /// What `has_undelivered` says; empty: no.
    std::function<bool()> undelivered = {};
    int closed = 0;
    bool pings = false;
    /// What `has_one_reader` says.
    bool one_reader = true;

    bool send(communica::SendClass send_class, std::string_view metadata, communica::Buffer& body) override {
        const bool is_request = counted_as(send_class) == communica::SendClass::request;
        if (capacity == 0 || (is_request && room == 0) ||
            (send_class == communica::SendClass::low_request && low_room == 0)) {
            return false;
        }
        --capacity;
        room -= is_request ? 1 : 0;
        low_room -= send_class == communica::SendClass::low_request ? 1 : 0;
        sent.push_back({std::string(metadata), std::string(body.text())});
        send_classes.push_back(send_class);
        body.clear();
        return true;
    }
    bool has_undelivered() override { return undelivered && undelivered(); }
    std::size_t unread_answers() const override { return unread; }
    std::size_t unwritten_requests() const override { return unwritten; }
    void start_pings() override { pings = true; }
    bool has_one_reader() const override { return one_reader; }

    /// Of the messages sent so far, these went out with no byte.
    void keep_unsent(const std::vector<std::size_t>& indices) {
        for (const std::size_t index : indices) {
            unsent.push_back({sent[index].metadata, {}, send_classes[index]});
            unsent.back().body.append(sent[index].body);
        }
    }

    std::vector<communica::UnsentMessage> take_unsent() override {
        capacity = 0;
        return std::exchange(unsent, {});
    }

    void close(std::chrono::steady_clock::duration) override { ++closed; }
    void abort() override { ++closed; }
    asio::any_io_executor get_executor() const override { return context_.get_executor(); }
    const communica::Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return "recording"; }

    asio::awaitable<std::string> read_hello() override { co_return std::string(); }
    asio::awaitable<void> write_hello(std::string) override { co_return; }
    asio::awaitable<void> refuse(communica::Error) override { co_return; }
    void start(std::shared_ptr<communica::Receiver>) override {}

 private:
    asio::io_context& context_;
    communica::Credentials credentials_;
};

using Bodies = std::vector<std::string>;

inline Bodies bodies(const RecordingConnection& connection) {
    Bodies bodies;
    for (const auto& message : connection.sent) {
        bodies.push_back(message.body);
    }
    return bodies;
}

}  // namespace test
