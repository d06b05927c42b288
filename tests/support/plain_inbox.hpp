// An inbox without an entity: the test hands it the messages.
#pragma once

#include <communica/peer/message_dispatcher.hpp>

#include <cstdint>
#include <optional>

namespace test {

struct PlainInbox final : communica::peer::MessageDispatcher {
    using MessageDispatcher::MessageDispatcher;
    void on_attached() override { attached = true; }
    void on_detached(const communica::Error& why, const communica::peer::UnconfirmedNotifications&) override {
        ending = why;
    }

    bool attached = false;
    std::optional<communica::Error> ending;
};

}  // namespace test
