// A connection without a transport: what is sent over it is kept for the test to look at.
#pragma once

#include <communica/connection.hpp>

#include <asio/io_context.hpp>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace test {

struct SentMessage {
    std::string metadata;
    std::string body;
    bool operator==(const SentMessage&) const = default;
};

class RecordingConnection final : public communica::Connection {
 public:
    explicit RecordingConnection(asio::io_context& context) : context_(context) {}

    std::vector<SentMessage> sent = {};
    /// How many messages are still taken.
    std::size_t capacity = static_cast<std::size_t>(-1);
    /// What `take_unsent` is going to give back.
    std::vector<communica::UnsentMessage> unsent = {};
    int closed = 0;

    bool send(std::string_view metadata, communica::Buffer& body) override {
        if (capacity == 0) {
            return false;
        }
        --capacity;
        sent.push_back({std::string(metadata), std::string(body.text())});
        return true;
    }

    std::vector<communica::UnsentMessage> take_unsent() override {
        capacity = 0;
        return std::exchange(unsent, {});
    }

    void close(std::chrono::steady_clock::duration) override { ++closed; }
    void abort() override { ++closed; }
    asio::any_io_executor get_executor() const override { return context_.get_executor(); }
    const communica::Credentials& credentials() const override { return credentials_; }

    asio::awaitable<std::string> read_hello() override { co_return std::string(); }
    asio::awaitable<void> write_hello(std::string) override { co_return; }
    asio::awaitable<void> refuse(std::string) override { co_return; }
    asio::awaitable<communica::Error> run(communica::Receiver&) override { co_return communica::Error{}; }

 private:
    asio::io_context& context_;
    communica::Credentials credentials_;
};

}  // namespace test
