// A receiver that keeps what a connection hands out.
#pragma once

#include <communica/connection.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

class RecordedMessages final : public communica::Receiver {
 public:
    void on_message(const communica::Message& message) override {
        bodies.emplace_back(communica::as_text(message.body));
        if (on_each) {
            on_each();
        }
    }
    void on_discarded(std::string_view metadata, communica::errc why) override {
        bodies.emplace_back("discarded " + std::string(metadata) + (why == communica::errc::busy ? " busy" : ""));
    }
    void on_room() override { ++rooms; }
    void on_end(communica::Error why) override {
        ending = std::move(why);
        ended = true;
    }

    std::function<void()> on_each = {};  ///< called for each message
    std::vector<std::string> bodies;
    int rooms = 0;
    communica::Error ending;
    bool ended = false;
};

}  // namespace test
