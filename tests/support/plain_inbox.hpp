// An inbox without an entity: the test hands it the messages.
#pragma once

#include <communica/peer/inbox.hpp>

#include <optional>

namespace test {

struct PlainInbox final : communica::peer::Inbox {
    using Inbox::Inbox;
    void on_attached() override { attached = true; }
    void on_detached(const communica::Error& why) override { ending = why; }

    bool attached = false;
    std::optional<communica::Error> ending;
};

}  // namespace test
